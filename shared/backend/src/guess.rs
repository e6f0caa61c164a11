use credentials::{Verdict, hash_hex, verify_password};
use domain::{Code, Fault, Limit, TypedPassword, UserId};
use mongo::Mongo;

/// How many logins of one account may fail, from everywhere together. Above that each address has one free try instead of five.
const ACCOUNT_FAILURES: Limit = Limit { burst: 100, per_minute: 2 };

/// Somebody tries a password. Whoever fails too often waits, whether the account exists or not.
#[derive(Debug)]
pub struct Guess {
    /// Names who tries; of what they typed nothing is kept but a hash.
    by: String,
    /// Names the account that strangers try to get into, from many addresses.
    account: Option<String>,
}

impl Guess {
    /// A login from an address of the internet. Somebody else's failures never keep an account's owner out elsewhere.
    pub fn of_login(email_fold: &str, ip: &str) -> Self {
        let by = hash_hex(format!("{email_fold} {ip}").as_bytes());
        Self { by, account: Some(format!("account:{}", hash_hex(email_fold.as_bytes()))) }
    }

    /// Somebody who is logged in shows their password, from wherever.
    pub fn of_person(user: UserId) -> Self {
        Self { by: hash_hex(format!("user:{user}").as_bytes()), account: None }
    }

    /// Compares a password with the hash of an account, if there is one. The failure is counted before the comparison, so that
    /// concurrent tries are limited like sequential ones.
    pub async fn check(&self, mongo: &Mongo, password: &TypedPassword, hash: Option<&str>) -> Result<Verdict, Fault> {
        let limits = mongo.limits();
        limits.begin_login(&self.by).await?;
        let verdict = verify_password(password, hash);
        if verdict != Verdict::Wrong {
            limits.forget_failed_logins(&self.by).await?;
        } else if let Some(account) = &self.account {
            match limits.spend_unseen(account, ACCOUNT_FAILURES).await {
                Err(fault) if fault.code == Code::RateLimited => {
                    tracing::warn!("Many logins of one account fail");
                    limits.use_up_free_tries(&self.by).await?;
                }
                outcome => outcome?,
            }
        }
        Ok(verdict)
    }
}
