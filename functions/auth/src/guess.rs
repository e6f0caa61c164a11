use crate::App;
use credentials::{Verdict, hash_hex, verify_password};
use domain::{Fault, Password};

/// Somebody tries a password, from one address of the internet: whose account, and from where.
///
/// Whoever fails too often there waits, whether the account exists or not; the same account from elsewhere does not.
pub(crate) struct Guess(String);

impl Guess {
    /// `of` names the account, or what somebody takes for one. Nothing of it is kept but a hash.
    pub(crate) fn of(of: &str, ip: &str) -> Self {
        Self(hash_hex(format!("{of} {ip}").as_bytes()))
    }

    /// Compares a password with the hash of an account, if there is one. The failure is counted before the comparison, so that
    /// concurrent tries are limited like sequential ones.
    pub(crate) async fn check(&self, app: &App, password: &Password, hash: Option<&str>) -> Result<Verdict, Fault> {
        app.backend.projector.mongo.limits().begin_login(&self.0).await?;
        let verdict = verify_password(password, hash);
        if verdict != Verdict::Wrong {
            app.backend.projector.mongo.limits().forget_failed_logins(&self.0).await?;
        }
        Ok(verdict)
    }
}
