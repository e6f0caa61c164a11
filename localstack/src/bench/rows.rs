//! What is measured.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use client::{Answer, message};
use futures_util::future::try_join_all;
use serde_json::json;

use super::target::Target;

/// One row of the table.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    work: Work,
}

/// What is done in a row, again and again until its time is over.
enum Work {
    /// Messages into one room, of this many senders at once.
    Send { senders: usize },
    /// A message, until its frame arrives at the other person's socket.
    Deliver,
    /// One call after the other.
    Call(Call),
}

enum Call {
    Health,
    List,
    SyncNothing,
    SyncPage,
    RoomsQuiet,
    RoomsBusy,
    Login,
}

/// Every row, in the order of the table.
pub(crate) static ROWS: [Row; 11] = [
    Row { name: "send, 1 sender", work: Work::Send { senders: 1 } },
    Row { name: "send, 8 senders in one room", work: Work::Send { senders: 8 } },
    Row { name: "send, 32 senders in one room", work: Work::Send { senders: 32 } },
    Row { name: "send to the other person's socket", work: Work::Deliver },
    Row { name: "list of 50 messages", work: Work::Call(Call::List) },
    Row { name: "sync, nothing new", work: Work::Call(Call::SyncNothing) },
    Row { name: "sync, 30 rows", work: Work::Call(Call::SyncPage) },
    Row { name: "100 of 200 rooms, few unread", work: Work::Call(Call::RoomsQuiet) },
    Row { name: "100 of 200 rooms, many unread", work: Work::Call(Call::RoomsBusy) },
    Row { name: "empty function (GET /health)", work: Work::Call(Call::Health) },
    Row { name: "login", work: Work::Call(Call::Login) },
];

impl Row {
    /// How long each call took that began before `end`.
    pub(crate) async fn measure(&self, target: &Target, end: Instant) -> Result<Vec<Duration>> {
        match &self.work {
            Work::Send { senders } => {
                let senders = (0..*senders).map(|sender| repeat(end, async move |_| target.send(sender).await));
                Ok(try_join_all(senders).await?.concat())
            }
            Work::Deliver => deliver(target, end).await,
            Work::Call(call) => repeat(end, async |turn| call.make(target, turn).await).await,
        }
    }
}

impl Call {
    async fn make(&self, target: &Target, turn: usize) -> Result<()> {
        let (reader, history, head) = (&target.people[1].api, target.history, target.head);
        let sync = async |after: u64| {
            let path = format!("/messages/sync?room_id={history}&after_rev={after}&limit=30");
            found(&reader.get(&path).await?)
        };
        let (rows, wanted) = match self {
            Self::Health => return ok(&target.anyone.get("/health").await?),
            Self::Login => return ok(&target.log_in(turn).await?),
            Self::List => (found(&reader.get(&format!("/messages/{history}?limit=50")).await?)?, 50),
            Self::SyncNothing => (sync(head).await?, 0),
            Self::SyncPage => (sync(head.saturating_sub(30)).await?, 30),
            Self::RoomsQuiet => (found(&target.quiet.api.get("/chat-rooms?limit=100").await?)?, 100),
            Self::RoomsBusy => (found(&target.busy.api.get("/chat-rooms?limit=100").await?)?, 100),
        };
        ensure!(rows == wanted, "{rows} items were answered, not {wanted}");
        Ok(())
    }
}

/// Does something again and again, and measures each time.
async fn repeat(end: Instant, work: impl AsyncFn(usize) -> Result<()>) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    while Instant::now() < end {
        let begun = Instant::now();
        work(times.len()).await?;
        times.push(begun.elapsed());
    }
    Ok(times)
}

/// How long each message took to the socket of the other person.
async fn deliver(target: &Target, end: Instant) -> Result<Vec<Duration>> {
    let (socket, _) = target.people[1].connect(json!({})).await?;
    let mut times = Vec::new();
    while Instant::now() < end {
        let content = format!("number {}", times.len());
        let body = message(target.room, &content);
        let begun = Instant::now();
        let arriving = async {
            let frame = socket.push_where(|frame| frame["d"]["content"] == content).await;
            frame.map(|_| begun.elapsed())
        };
        let (answer, arrived) = tokio::join!(target.people[0].api.post("/messages", &body), arriving);
        ok(&answer?)?;
        times.push(arrived?);
    }
    socket.close().await?;
    Ok(times)
}

/// An error unless the call succeeded.
pub(crate) fn ok(answer: &Answer) -> Result<()> {
    match answer.status {
        200..300 => Ok(()),
        429 => bail!("the stack limits its clients; start it with `cargo local up --unlimited`"),
        status => bail!("answered {status} {}", answer.text),
    }
}

/// How many items a page has.
fn found(answer: &Answer) -> Result<usize> {
    ok(answer)?;
    Ok(answer.json()["items"].as_array().context("a page has items")?.len())
}
