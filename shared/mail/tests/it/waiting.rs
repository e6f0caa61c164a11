use credentials::MailTokens;
use domain::{Clock, MailKind, Random, Timestamp};
use mail::{Post, Report};
use mysql::NewMail;
use std::{
    ops::Deref,
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};
use testkit::{KEY, NOON, Stores, ses::SesServer};

/// The address of whom `Stores::join("minji")` makes.
pub(crate) const MINJI: &str = "minji@example.com";

/// A store with people, and a server that takes mails.
pub(crate) struct Waiting {
    stores: Stores,
    pub(crate) ses: SesServer,
}

impl Deref for Waiting {
    type Target = Stores;

    fn deref(&self) -> &Stores {
        &self.stores
    }
}

impl Waiting {
    pub(crate) async fn new() -> Self {
        Self { stores: Stores::new().await, ses: SesServer::start().await }
    }

    /// Who sends at `NOON`.
    pub(crate) fn post(&self) -> Post {
        self.stores.post_to(&self.ses)
    }

    pub(crate) fn post_at(&self, moment: fn() -> Timestamp) -> Post {
        self.post_with(MailTokens::new(KEY, None), moment)
    }

    pub(crate) fn post_with(&self, tokens: MailTokens, moment: fn() -> Timestamp) -> Post {
        Post::new(self.mysql().clone(), self.ses.client(), tokens, "https://chat.example", Clock(moment))
    }

    /// A mail that waits since `NOON`.
    pub(crate) async fn leave(&self, kind: MailKind, address: &str) -> NewMail {
        let mail = self.post().draw(kind, Random(other_bytes), NOON);
        self.mysql().mails().insert(address, &mail).await.unwrap();
        mail
    }

    pub(crate) async fn run_at(&self, moment: fn() -> Timestamp) -> Report {
        self.post_at(moment).send_due(moment().plus(Duration::from_mins(1))).await.unwrap()
    }

    pub(crate) async fn count(&self) -> i64 {
        self.mysql().mails().count_waiting().await.unwrap()
    }

    /// To whom mails were sent, sorted.
    pub(crate) fn readers(&self) -> Vec<String> {
        let mut readers: Vec<_> = self.ses.mails().into_iter().map(|mail| mail.to).collect();
        readers.sort();
        readers
    }
}

pub(crate) fn noon() -> Timestamp {
    NOON
}

/// When a mail that failed at noon is due again.
pub(crate) fn later() -> Timestamp {
    NOON.plus(Duration::from_secs(30))
}

/// Others at each call.
fn other_bytes(bytes: &mut [u8]) {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    bytes.fill(NEXT.fetch_add(1, Ordering::Relaxed));
}
