use crate::{Letter, Refusal, Ses};
use credentials::MailTokens;
use domain::{Clock, Fault, MOST_MAIL_TRIES, MailKind, OrLog as _, Random, Timestamp, pause_after_mail_try};
use mysql::{Mail, Mysql, NewMail, Recipient};
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

/// How many mails are looked up at once.
const PAGE: u32 = 50;

/// How many late tokens a run forgets.
const MOST_LATE: u32 = 1_000;

/// How long a mail to an address that may be unknown keeps its sender busy: longer than SES usually takes.
const EVEN: Duration = Duration::from_millis(500);

/// Sends the mails that wait in MySQL.
#[derive(Debug, Clone)]
pub struct Post {
    mysql: Mysql,
    ses: Ses,
    tokens: MailTokens,
    app_url: Arc<str>,
    clock: Clock,
    even: Duration,
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Mails that SES took.
    pub sent: usize,
    /// Mails that are tried again later.
    pub delayed: usize,
    /// Mails that are never tried again; the log says why.
    pub given_up: usize,
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Sent,
    /// Nobody is to get it, or somebody else is sending it.
    Left,
    Delayed,
    Throttled,
    GivenUp,
}

impl Post {
    /// `app_url` is where links lead, without a slash at its end.
    pub fn new(mysql: Mysql, ses: Ses, tokens: MailTokens, app_url: &str, clock: Clock) -> Self {
        Self { mysql, ses, tokens, app_url: app_url.into(), clock, even: EVEN }
    }

    /// The same with another time for `send_evenly`.
    #[must_use]
    pub fn even_within(self, even: Duration) -> Self {
        Self { even, ..self }
    }

    /// A mail with a token that nobody has had, as a store keeps it.
    pub fn draw(&self, kind: MailKind, random: Random, at: Timestamp) -> NewMail {
        let (seed, token) = self.tokens.issue(kind, random);
        NewMail { kind, seed, token_hash: token.hash(), at }
    }

    /// Sends a mail that was just written, unless somebody else does. If that fails, `send_due` tries again.
    pub async fn send(&self, token_hash: &str) {
        let sending = async {
            match self.mysql.mails().find_due(token_hash, self.clock.now()).await? {
                Some(mail) => self.attempt(mail).await.map(drop),
                None => Ok(()),
            }
        };
        sending.await.or_log("send a mail");
    }

    /// The same for a mail to an address that may be nobody's, in the same time: while a process sends, it takes no request, and
    /// whoever asks next could tell.
    pub async fn send_evenly(&self, token_hash: &str) {
        if self.even.is_zero() {
            return self.send(token_hash).await;
        }
        tokio::join!(self.send(token_hash), sleep(self.even));
    }

    /// Sends what is due until a moment, one mail after the other, and forgets late tokens. A mail that failed stays in the record.
    pub async fn send_due(&self, until: Timestamp) -> Result<Report, Fault> {
        let mut report = Report::default();
        'run: loop {
            let due = self.mysql.mails().list_due(self.clock.now(), PAGE).await?;
            let is_last = due.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            for mail in due {
                if self.clock.now() >= until {
                    break 'run;
                }
                match self.attempt(mail).await? {
                    Outcome::Sent => report.sent += 1,
                    Outcome::Left => {}
                    Outcome::Delayed => report.delayed += 1,
                    Outcome::GivenUp => report.given_up += 1,
                    Outcome::Throttled => {
                        report.delayed += 1;
                        break 'run;
                    }
                }
            }
            if is_last {
                break;
            }
        }
        self.mysql.mails().remove_expired(self.clock.now(), MOST_LATE).await?;
        Ok(report)
    }

    /// Notes the try before it is made: a process that dies in it has used a try up, and nobody sends the mail beside it.
    async fn attempt(&self, mail: Mail) -> Result<Outcome, Fault> {
        let (mails, now) = (|| self.mysql.mails(), self.clock.now());
        let Some(recipient) = mail.recipient.as_ref().filter(|recipient| is_wanted(&mail, recipient, now)) else {
            mails().settle(&mail).await?;
            return Ok(Outcome::Left);
        };
        let tries = mail.tries + 1;
        if !mails().begin_try(&mail, now.plus(pause_after_mail_try(tries))).await? {
            return Ok(Outcome::Left);
        }
        let (kind, user) = (mail.kind.as_str(), recipient.user);
        match self.write(&mail, recipient).await {
            Ok(()) => {
                mails().settle(&mail).await?;
                tracing::info!(mail.kind = kind, user.id = %user, mail.tries = tries, "Sent a mail");
                Ok(Outcome::Sent)
            }
            Err(why) if tries >= MOST_MAIL_TRIES || matches!(why, Refusal::Final(_)) => {
                mails().settle(&mail).await?;
                tracing::error!(mail.kind = kind, user.id = %user, mail.tries = tries, "Gave up on a mail: {why}");
                Ok(Outcome::GivenUp)
            }
            Err(why) => {
                tracing::warn!(mail.kind = kind, user.id = %user, mail.tries = tries, "Could not send a mail: {why}");
                Ok(if matches!(why, Refusal::Throttled(_)) { Outcome::Throttled } else { Outcome::Delayed })
            }
        }
    }

    async fn write(&self, mail: &Mail, recipient: &Recipient) -> Result<(), Refusal> {
        if mail.tries >= MOST_MAIL_TRIES {
            return Err(Refusal::Final("no process lived long enough".to_owned()));
        }
        let token = self.tokens.find(mail.kind, &mail.seed, &mail.token_hash);
        let token = token.ok_or_else(|| Refusal::Final("the key of its token is gone".to_owned()))?;
        let letter = Letter::new(mail.kind, recipient.locale, &self.app_url, &token.reveal());
        self.ses.send(&recipient.address, &letter).await
    }
}

/// Whether a mail still says something new to its reader.
fn is_wanted(mail: &Mail, recipient: &Recipient, now: Timestamp) -> bool {
    mail.expires_at > now && !(mail.kind == MailKind::VerifyEmail && recipient.is_verified)
}
