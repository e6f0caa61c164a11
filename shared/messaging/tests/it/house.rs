use domain::{
    Access, ClientId, Clock, Code, ConnectionId, Content, Fault, Limit, Locale, Member, MessageDraft, MessageId,
    MessageType, PageSize, Rev, Role, RoomId, RoomKey, SessionId, Timestamp, UserId,
};
use messaging::{
    DeleteMessage, EditMessage, ListMessages, MessagePage, Messenger, Sent, SyncRoom, delete_message, edit_message,
    list_messages, send_message, sync_room,
};
use mongo::{Anchor, Connection, Mongo};
use realtime::{MessageView, Push, PushError, SyncPage};
use serde_json::Value;
use std::{sync::Mutex, time::Duration};
use testkit::mongo::Database;

pub(crate) const ROOM: RoomKey = RoomKey::private(RoomId(1));
pub(crate) const ANNA: UserId = UserId(1);
pub(crate) const BORA: UserId = UserId(2);
pub(crate) const EVE: UserId = UserId(3);

/// More than any test sends.
const PLENTY: Limit = Limit { burst: 1_000, per_minute: 1_000 };

/// A database with one room of two people.
pub(crate) struct House {
    pub(crate) database: Database,
    pub(crate) pushed: Recorder,
    pub(crate) send_limit: Limit,
}

/// Takes note of what is pushed where.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<(String, String)>>);

impl Push for Recorder {
    async fn push(&self, connection: &ConnectionId, text: &str) -> Result<(), PushError> {
        if connection.0 == "gone" {
            return Err(PushError::Gone);
        }
        self.0.lock().unwrap().push((connection.0.clone(), text.to_owned()));
        Ok(())
    }

    async fn close(&self, _: &ConnectionId) -> Result<(), PushError> {
        Ok(())
    }
}

impl Recorder {
    pub(crate) fn connections(&self) -> Vec<String> {
        let mut names: Vec<_> = self.0.lock().unwrap().iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// What a connection was told, in order.
    pub(crate) fn frames(&self, connection: &str) -> Vec<Value> {
        let pushed = self.0.lock().unwrap();
        let texts = pushed.iter().filter(|(name, _)| name == connection).map(|(_, text)| text);
        texts.map(|text| serde_json::from_str(text).unwrap()).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "the store's own clock goes on while a test runs")]
pub(crate) fn now() -> Timestamp {
    time::OffsetDateTime::now_utc().into()
}

/// So long ago that whoever wrote then must have died.
pub(crate) fn long_ago() -> Timestamp {
    now().minus(Duration::from_secs(6))
}

pub(crate) fn access(version: i64, users: &[UserId]) -> Access {
    let members = users.iter().map(|user| Member { user: *user, role: Role::Member }).collect();
    Access { room: ROOM, version, members, blocked: false }
}

pub(crate) fn draft(user: UserId, client_id: &str, content: &str) -> MessageDraft {
    MessageDraft {
        room: ROOM,
        user,
        content: Content::parse(content).unwrap(),
        message_type: MessageType::Text,
        reply_to: None,
        client_id: ClientId::parse(client_id).unwrap(),
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        let database = Database::new().await;
        let house = Self { database, pushed: Recorder::default(), send_limit: PLENTY };
        house.project(&access(1, &[ANNA, BORA])).await;
        house
    }

    pub(crate) async fn with_send_limit(burst: u32, per_minute: u32) -> Self {
        Self { send_limit: Limit { burst, per_minute }, ..Self::new().await }
    }

    pub(crate) async fn project(&self, access: &Access) {
        self.mongo().project_room(access, now()).await.unwrap();
    }

    /// One of the two blocks the other.
    pub(crate) async fn block(&self, version: i64) {
        self.project(&Access { blocked: true, ..access(version, &[ANNA, BORA]) }).await;
    }

    pub(crate) fn mongo(&self) -> &Mongo {
        &self.database.mongo
    }

    pub(crate) fn messenger(&self) -> Messenger<'_> {
        self.messenger_of(self.mongo())
    }

    pub(crate) fn messenger_of<'a>(&self, mongo: &'a Mongo) -> Messenger<'a> {
        Messenger { mongo, clock: Clock(now), send_limit: self.send_limit }
    }

    /// As many clients as environments of a Lambda would have: one client has only two connections.
    pub(crate) async fn environments(&self, number: usize) -> Vec<Mongo> {
        let mut clients = Vec::new();
        for _ in 0..number {
            clients.push(Mongo::connect(&self.database.url).await.unwrap());
        }
        clients
    }

    pub(crate) async fn connect(&self, user: UserId, name: &str) {
        let connection = Connection {
            id: ConnectionId(name.to_owned()),
            user,
            session: SessionId("s".to_owned()),
            locale: Locale::En,
            connected_at: now(),
        };
        self.mongo().insert_connection(&connection).await.unwrap();
    }

    pub(crate) async fn send(&self, user: UserId, client_id: &str, content: &str) -> Result<Sent, Fault> {
        send_message(self.messenger(), &self.pushed, &draft(user, client_id, content), None).await
    }

    /// Answers a message.
    pub(crate) async fn reply(&self, user: UserId, client_id: &str, content: &str, to: MessageId) -> Sent {
        let reply = MessageDraft { reply_to: Some(to), ..draft(user, client_id, content) };
        send_message(self.messenger(), &self.pushed, &reply, None).await.unwrap()
    }

    pub(crate) async fn edit(&self, user: UserId, message: MessageId, content: &str) -> Result<MessageView, Fault> {
        let command = EditMessage { message, user, content: Content::parse(content).unwrap() };
        edit_message(self.messenger(), &self.pushed, &command, None).await
    }

    pub(crate) async fn delete(&self, user: UserId, message: MessageId) -> Result<MessageView, Fault> {
        delete_message(self.messenger(), &self.pushed, DeleteMessage { message, user }, None).await
    }

    pub(crate) async fn list(&self, user: UserId, anchor: Anchor, limit: i64) -> Result<MessagePage, Fault> {
        let limit = PageSize::parse(Some(limit)).unwrap();
        list_messages(self.messenger(), &self.pushed, ListMessages { room: ROOM, user, anchor, limit }).await
    }

    pub(crate) async fn sync(&self, user: UserId, after: i64, limit: i64) -> Result<SyncPage, Fault> {
        let limit = PageSize::parse(Some(limit)).unwrap();
        sync_room(self.mongo(), SyncRoom { room: ROOM, user, after: Rev(after), limit, max_bytes: None }).await
    }

    /// A release is seen by readers once it is replicated: a client asks again while `cursor < head`.
    pub(crate) async fn sync_settled(&self, user: UserId, after: i64, limit: i64) -> SyncPage {
        self.settle().await;
        self.sync(user, after, limit).await.unwrap()
    }

    /// Waits until a majority knows what was released.
    pub(crate) async fn settle(&self) {
        eventually(async || {
            let page = self.sync(ANNA, i64::MAX, 1).await.unwrap();
            page.cursor == page.head
        })
        .await;
    }

    pub(crate) async fn is_delivered(&self, id: MessageId) {
        eventually(async || self.mongo().find_message(id).await.unwrap().unwrap().pending_since.is_none()).await;
    }
}

/// Why something was refused.
pub(crate) fn refusal<T>(outcome: Result<T, Fault>) -> Code {
    outcome.err().unwrap().code
}

/// Asks until the answer is yes, for 5 s at the most.
pub(crate) async fn eventually(ask: impl AsyncFn() -> bool) {
    for _ in 0..500 {
        if ask().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came true");
}

pub(crate) fn texts(items: &[MessageView]) -> Vec<&str> {
    items.iter().map(|item| item.content.as_str()).collect()
}
