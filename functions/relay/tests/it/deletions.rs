use crate::leftovers::{Leftovers, long_ago};
use domain::{
    Clock, DeletionStep, FriendshipStatus, PageSize, RoomKey, Seq, SessionId, Timestamp, UploadId, UploadState, UserId,
    notification::{Level, NotificationSettings},
};
use mongo::Anchor;
use mysql::Deletion;
use projection::Projector;
use relay::Report;
use serde_json::json;
use std::{
    collections::HashSet,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use testkit::{NOON, mongo::Uploaded};
use tokio::time::timeout;

/// More messages than one batch has.
const MESSAGES: usize = 120;

impl Leftovers {
    /// So long after everything that no request of before is under way.
    pub(crate) fn projector_later(&self) -> Projector {
        Projector { clock: Clock(|| NOON.plus(Duration::from_mins(5))), ..self.projector() }
    }

    pub(crate) async fn run_later(&self) -> Report {
        relay::run(&self.projector_later()).await.unwrap()
    }

    /// Someone with friends, requests, a block and a room in which both have written, whose account is deleted.
    async fn deleted(&self) -> Deleted {
        self.deleted_after(MESSAGES).await
    }

    async fn deleted_after(&self, messages: usize) -> Deleted {
        let [minji, junho] = self.two().await;
        let others = [self.join("friend").await, self.join("asked").await, self.join("blocked").await];
        self.run().await;
        let room = self.open_room([minji, junho]).await;
        self.commit_friendship([minji, junho], FriendshipStatus::Accepted).await;
        self.commit_friendship([others[0], minji], FriendshipStatus::Accepted).await;
        self.commit_friendship([minji, others[1]], FriendshipStatus::Pending).await;
        self.block(minji, others[2]).await;
        self.log_in(minji).await;
        for n in 0..messages {
            self.say(room, minji, &format!("mine-{n}")).await.unwrap();
        }
        self.say(room, junho, "theirs").await.unwrap();
        for user in [minji, junho] {
            testkit::mongo::mark(self.mongo(), room, user, Seq(9)).await.unwrap();
        }
        self.run().await;
        self.register_device(minji, 1).await;
        Uploaded::by(minji, 1).make(self.mongo(), NOON).await;
        self.delete_account(minji).await.unwrap();
        assert_eq!(self.count_devices(minji).await, 0, "they go with the session");
        // Requests that were let in before.
        self.register_device(minji, 2).await;
        Uploaded::by(minji, 2).make(self.mongo(), NOON).await;
        let quiet = NotificationSettings { level: Level::None, ..NotificationSettings::default() };
        self.mongo().notifications().replace(minji, &quiet).await.unwrap();
        Deleted { minji, junho, others, room, messages }
    }

    /// So long after that.
    async fn run_much_later(&self) -> Report {
        let clock = Clock(|| NOON.plus(Duration::from_mins(10)));
        relay::run(&Projector { clock, ..self.projector() }).await.unwrap()
    }

    async fn friends(&self, user: UserId) -> Vec<UserId> {
        let page = self.mysql().friendships().list_any(user, 100).await.unwrap();
        page.into_iter().map(|(_, other)| other).collect()
    }

    async fn deletion(&self, user: UserId) -> Option<Deletion> {
        self.mysql().deletions().find(user).await.unwrap()
    }

    /// The texts of a room, as a member sees them.
    async fn texts(&self, room: RoomKey, viewer: UserId) -> Vec<String> {
        let mut texts = Vec::new();
        let mut after = Seq(0);
        loop {
            let window = self.mongo().rooms().list_messages(room, viewer, Anchor::After(after), 100).await.unwrap();
            let window = window.unwrap();
            let Some(last) = window.rows.last() else { return texts };
            after = last.message.seq;
            texts.extend(window.rows.into_iter().map(|row| row.message.content));
        }
    }

    /// What is left of somebody whose deletion is finished.
    async fn is_erased(&self, deleted: &Deleted) {
        let Deleted { minji, junho, others, room, messages } = *deleted;
        assert_eq!(self.deletion(minji).await, None);
        assert_eq!(self.friends(minji).await, []);
        assert_eq!(self.mysql().blocks().count(minji).await.unwrap(), 0);
        for friend in [junho, others[0]] {
            assert_eq!(self.known(friend).await.friends, []);
        }
        assert_eq!(self.count_devices(minji).await, 0);
        for upload in [UploadId([1; 16]), UploadId([2; 16])] {
            let upload = self.mongo().uploads().find(upload).await.unwrap().unwrap();
            assert_eq!(upload.state, UploadState::Deleting);
        }
        let settings = self.mongo().notifications().find(minji).await.unwrap();
        assert_eq!(settings, NotificationSettings::default());
        assert!(self.known(minji).await.friends.is_empty());
        let texts = self.texts(room, junho).await;
        assert_eq!((texts.len(), texts.concat().as_str()), (messages + 1, "theirs"));
        let own = self.mongo().messages().list_of_author(minji, None, PageSize::LARGEST).await.unwrap();
        assert!(own.items.iter().all(|message| message.deleted_at.is_some()));
        assert_eq!(self.mysql().outbox().count().await.unwrap(), 0);
    }
}

struct Deleted {
    minji: UserId,
    junho: UserId,
    others: [UserId; 3],
    room: RoomKey,
    messages: usize,
}

#[tokio::test]
async fn deleted_account_is_erased_by_a_run() {
    let left = Leftovers::new().await;
    let deleted = left.deleted().await;

    // The first run finds when the account was closed; the next comes when nobody can write any more.
    let first = left.run().await;
    let second = left.run_later().await;

    assert_eq!((first.erased, first.erasures_failed, second.erased, second.erasures_failed), (0, 0, 1, 0));
    left.is_erased(&deleted).await;
    assert_eq!(left.run_later().await.erased, 0);
}

#[tokio::test]
async fn friends_are_told_and_find_their_user_rev_raised() {
    let left = Leftovers::new().await;
    let Deleted { minji, junho, others, .. } = left.deleted().await;
    for (user, name) in
        [(junho, "of-junho"), (others[0], "of-friend"), (others[1], "of-asked"), (others[2], "of-blocked")]
    {
        left.connect(user, SessionId::from_bytes([9; 16]), name).await;
    }
    let before = left.known(junho).await.version;

    left.run().await;

    for name in ["of-junho", "of-friend", "of-asked"] {
        let frames = left.pushes.frames(name);
        let removed: Vec<_> = frames.iter().filter(|frame| frame["t"] == "friend.removed").collect();
        assert_eq!(removed.len(), 1, "{name}: {frames:?}");
        assert_eq!(removed[0]["d"]["by"], json!(minji));
        assert_eq!(removed[0]["d"]["user"]["username"], "", "{:?}", removed[0]);
    }
    assert!(left.pushes.frames("of-blocked").is_empty());
    assert_eq!(left.known(junho).await.version, before + 1);
}

#[tokio::test]
async fn tombstones_take_positions_and_are_pushed() {
    let left = Leftovers::new().await;
    let Deleted { minji, junho, room, .. } = left.deleted().await;
    left.connect(junho, SessionId::from_bytes([9; 16]), "tablet").await;
    let before = left.mongo().rooms().list_revs(junho, &[room]).await.unwrap()[0].1;
    let seqs = |rows: Vec<mongo::Stored>| rows.into_iter().map(|row| row.message.seq).collect::<Vec<_>>();
    let list = async || left.mongo().rooms().list_messages(room, junho, Anchor::Newest, 100).await.unwrap().unwrap();
    let seqs_before = seqs(list().await.rows);

    left.run().await;

    let after = left.mongo().rooms().list_revs(junho, &[room]).await.unwrap()[0].1;
    assert_eq!(usize::try_from(after.0 - before.0).unwrap(), MESSAGES);
    assert_eq!(seqs(list().await.rows), seqs_before);
    let frames = left.pushes.frames("tablet");
    let tombstones = frames.iter().filter(|frame| frame["t"] == "message.deleted");
    assert_eq!(tombstones.filter(|frame| frame["d"]["user_id"] == json!(minji)).count(), MESSAGES);
}

#[tokio::test]
async fn reactions_to_messages_of_others_are_taken_back() {
    let left = Leftovers::new().await;
    let [minji, junho] = left.two().await;
    left.run().await;
    let room = left.open_room([minji, junho]).await;
    let theirs = left.say(room, junho, "theirs").await.unwrap();
    for (user, emoji) in [(minji, "👍"), (minji, "🎉"), (junho, "👍")] {
        left.react(theirs, user, emoji).await.unwrap();
    }
    left.log_in(minji).await;
    left.delete_account(minji).await.unwrap();

    left.run().await;
    let report = left.run_later().await;

    assert_eq!((report.erased, report.erasures_failed), (1, 0));
    let message = left.mongo().messages().find(theirs).await.unwrap().unwrap().message;
    let reactions: Vec<_> = message.reactions.into_iter().map(|reaction| (reaction.emoji, reaction.count)).collect();
    assert_eq!(reactions, [("👍".to_owned(), 1)]);
    assert_eq!(left.mongo().messages().list_reacted(minji, 9).await.unwrap().len(), 0);
}

#[tokio::test]
async fn message_that_arrives_late_is_erased() {
    let left = Leftovers::new().await;
    let deleted = left.deleted().await;
    left.run().await;
    assert_eq!(left.deletion(deleted.minji).await.unwrap().step, DeletionStep::Messages);

    left.leave_message(deleted.room, deleted.minji, long_ago()).await;
    left.run_later().await;

    let texts = left.texts(deleted.room, deleted.junho).await;
    assert_eq!((texts.len(), texts.concat().as_str()), (MESSAGES + 2, "theirs"));
    assert_eq!(left.deletion(deleted.minji).await, None);
}

#[tokio::test]
async fn account_whose_sessions_were_not_ended_is_closed_first() {
    let left = Leftovers::new().await;
    let [minji, junho] = left.two().await;
    left.run().await;
    left.log_in(minji).await;
    let room = left.open_room([minji, junho]).await;
    left.say(room, minji, "hello").await.unwrap();
    testkit::mongo::refuse(left.mongo_url(), "people", minji.0).await;
    left.delete_account(minji).await.unwrap_err();
    left.say(room, minji, "not-yet-closed").await.unwrap();

    let failed = left.run().await;
    let after = left.deletion(minji).await.unwrap();
    testkit::mongo::refuse(left.mongo_url(), "people", 0).await;
    left.run_later().await;
    left.run_much_later().await;

    assert_eq!((failed.erased, after.step, after.closed_at), (0, DeletionStep::Sessions, None));
    assert_eq!(left.texts(room, junho).await, ["", ""]);
    assert_eq!(left.deletion(minji).await, None);
}

/// A clock that goes on whenever somebody looks at it.
fn ticking() -> Timestamp {
    static TICKS: AtomicU64 = AtomicU64::new(0);
    NOON.plus(Duration::from_millis(100 * TICKS.fetch_add(1, Ordering::Relaxed)))
}

#[tokio::test]
async fn runs_that_die_anywhere_come_to_the_same_end() {
    let left = Leftovers::new().await;
    let deleted = left.deleted_after(20).await;
    let projector = Projector { clock: Clock(ticking), ..left.projector() };

    let (mut millis, mut died) = (1, 0);
    while left.deletion(deleted.minji).await.is_some() {
        // Whatever a run is waiting for when its time is over is cut off.
        died += usize::from(timeout(Duration::from_millis(millis), relay::run(&projector)).await.is_err());
        millis += 1 + millis / 8;
    }

    assert!(died > 10, "only {died} runs died");
    relay::run(&projector).await.unwrap();
    left.is_erased(&deleted).await;
}

#[tokio::test]
async fn every_step_may_be_repeated() {
    let left = Leftovers::new().await;
    let deleted = left.deleted().await;
    left.run().await;
    left.run_later().await;

    for step in ["sessions", "relations", "groups", "messages", "reactions", "traces", "group_traces"] {
        let user = deleted.minji;
        left.execute(&format!(
            "INSERT INTO account_deletions (user_id, step, created_at, closed_at)
             SELECT id, '{step}', deleted_at, deleted_at FROM users WHERE id = {user}"
        ))
        .await;
        left.run().await;
        left.run_later().await;
        left.run().await;

        left.is_erased(&deleted).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_concurrent_runs_erase_an_account_once() {
    let left = Leftovers::new().await;
    let deleted = left.deleted_after(5).await;
    left.connect(deleted.junho, SessionId::from_bytes([9; 16]), "tablet").await;

    // A slow machine may keep a run from its stores; what it has not done the next one does.
    drop(left.run_at_once().await);
    left.run_later().await;
    left.run_much_later().await;

    left.is_erased(&deleted).await;
    let frames = left.pushes.frames("tablet");
    let tombstones = frames.iter().filter(|frame| frame["t"] == "message.deleted");
    let tombstones: HashSet<_> = tombstones.map(|frame| frame["d"]["id"].as_str()).collect();
    assert_eq!(tombstones.len(), 5);
    assert_eq!(frames.iter().filter(|frame| frame["t"] == "friend.removed").count(), 1);
}

/// A clock by which everything is slow.
fn crawling() -> Timestamp {
    static LOOKS: AtomicU64 = AtomicU64::new(0);
    NOON.plus(Duration::from_millis(500 * LOOKS.fetch_add(1, Ordering::Relaxed)))
}

#[tokio::test]
async fn slow_run_stops_within_a_batch() {
    let left = Leftovers::new().await;
    let deleted = left.deleted().await;
    let projector = Projector { clock: Clock(crawling), ..left.projector() };
    let messages = async || {
        left.mongo().messages().list_undeleted(deleted.minji, Timestamp::from_millis(0), 999).await.unwrap().len()
    };

    while messages().await == MESSAGES {
        relay::run(&projector).await.unwrap();
    }

    assert!(messages().await > MESSAGES - 50, "{} are left", messages().await);
    left.run_much_later().await;
    left.is_erased(&deleted).await;
}
