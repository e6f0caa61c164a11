use crate::App;
use background::Background;
use credentials::{MailToken, hash_hex};
use domain::{Code, Email, Fault, MailKind};
use mail::Post;
use mysql::NewMail;

/// Mails, where this installation sends any.
#[derive(Debug, Clone)]
pub struct Mailing {
    /// Sends them.
    pub post: Post,
    /// After the answer: nobody waits for a mail that waits for SES.
    pub background: Background,
}

impl Mailing {
    /// Sends a mail that was written, after the answer; `send-mail` does it where this process dies.
    pub(crate) async fn send(&self, token_hash: String) {
        let post = self.post.clone();
        self.background.run(async move { post.send(&token_hash).await }).await;
    }

    /// The same in a time that tells nothing.
    pub(crate) async fn send_evenly(&self, token_hash: String) {
        let post = self.post.clone();
        self.background.run(async move { post.send_evenly(&token_hash).await }).await;
    }
}

impl App {
    /// Mails, or `MailOff`.
    pub(crate) fn mailing(&self) -> Result<&Mailing, Fault> {
        self.mailing.as_ref().ok_or_else(|| Code::MailOff.into())
    }

    /// A mail with a new token, as of now.
    pub(crate) fn draw(&self, mailing: &Mailing, kind: MailKind) -> NewMail {
        mailing.post.draw(kind, self.backend.random, self.backend.clock.now())
    }

    /// The mail that confirms the address of a new account; `None` where none is sent, or where the address had too many.
    pub(crate) async fn draw_welcome(&self, email: &Email) -> Result<Option<NewMail>, Fault> {
        let Some(mailing) = &self.mailing else { return Ok(None) };
        match self.spend_mail(MailKind::VerifyEmail, &email.fold()).await {
            // Another person may have spent them.
            Err(fault) if fault.code == Code::RateLimited => Ok(None),
            spent => spent.map(|()| Some(self.draw(mailing, MailKind::VerifyEmail))),
        }
    }

    /// Takes a token of the bucket of mails of one kind to an address, kept only as a hash.
    pub(crate) async fn spend_mail(&self, kind: MailKind, email_fold: &str) -> Result<(), Fault> {
        let bucket = format!("{}:{}", kind.as_str(), hash_hex(email_fold.as_bytes()));
        self.backend.projector.mongo.limits().spend_hourly(&bucket, self.backend.limits.mails).await
    }
}

/// The form at rest of a token as a client presents it.
pub(crate) fn hash_of(token: &str) -> Result<String, Fault> {
    Ok(MailToken::parse(token).ok_or(Code::MailTokenInvalid)?.hash())
}
