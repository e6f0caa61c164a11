use announce::Announcer;
use background::Background;
use contract::{MessagePage, MessageView, SyncPage};
use credentials::Fingerprints;
use domain::{
    Access, Clock, Code, ConnectionId, Content, Emoji, Fault, Limit, Locale, Member, MessageDraft, MessageId, PageSize,
    Rev, Role, RoomId, RoomKey, SessionId, Timestamp, UserId,
};
use messaging::{
    Author, EditMessage, ListMessages, ListPinned, MessageLimits, Messenger, Pinned, React, Reacted, Sent, SyncRoom,
    delete_message, edit_message, list_messages, list_pinned, pin_message, react, send_message, sync_room,
};
use mongo::{ACTIVE_FOR, Anchor, Connection, Fanout, Messages, Mongo, Placement, Reservation, Stored};
use mongodb::{
    Client, ClientSession, Collection,
    bson::{Document, doc, oid::ObjectId},
};
use std::{sync::Arc, time::Duration};
use testkit::{mongo::Database, pushing::Recorder};

pub(crate) const ROOM: RoomKey = RoomKey::private(RoomId(1));
pub(crate) const GROUP: RoomKey = RoomKey::group(RoomId(7));
pub(crate) const ANNA: UserId = UserId(1);
pub(crate) const BORA: UserId = UserId(2);
pub(crate) const EVE: UserId = UserId(3);

/// More than any test sends.
const PLENTY: Limit = Limit { burst: 1_000, per_minute: 1_000 };

/// A database with one room of two people.
pub(crate) struct Scene {
    pub(crate) database: Database,
    pub(crate) pushed: Arc<Recorder>,
    pub(crate) limits: MessageLimits,
    session: SessionId,
    fingerprints: Fingerprints,
}

#[expect(clippy::disallowed_methods, reason = "the store's own clock goes on while a test runs")]
pub(crate) fn now() -> Timestamp {
    let now = time::OffsetDateTime::now_utc();
    time::PrimitiveDateTime::new(now.date(), now.time()).into()
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
    testkit::draft(ROOM, user, client_id, content)
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::over(Database::new().await).await
    }

    /// A scene in a database that has its indexes.
    pub(crate) async fn over(database: Database) -> Self {
        let limits = MessageLimits { sends: PLENTY, retries: PLENTY, changes: PLENTY };
        let session = SessionId("s".to_owned());
        let fingerprints = Fingerprints::new("a key of tests", None);
        let scene = Self { database, pushed: Arc::default(), limits, session, fingerprints };
        scene.project(&access(1, &[ANNA, BORA])).await;
        scene
    }

    pub(crate) async fn with_send_limit(burst: u32, per_minute: u32) -> Self {
        let limits = MessageLimits { sends: Limit { burst, per_minute }, retries: PLENTY, changes: PLENTY };
        Self { limits, ..Self::new().await }
    }

    pub(crate) async fn project(&self, access: &Access) {
        self.mongo().rooms().project(access, now()).await.unwrap();
    }

    /// One of the two blocks the other.
    pub(crate) async fn block(&self, version: i64) {
        self.project(&Access { blocked: true, ..access(version, &[ANNA, BORA]) }).await;
    }

    pub(crate) fn mongo(&self) -> &Mongo {
        &self.database.mongo
    }

    pub(crate) fn messenger(&self) -> Messenger {
        self.messenger_of(self.mongo())
    }

    pub(crate) fn messenger_of(&self, mongo: &Mongo) -> Messenger {
        self.messenger_at(mongo, Clock(now))
    }

    pub(crate) fn messenger_at(&self, mongo: &Mongo, clock: Clock) -> Messenger {
        let announcer = Announcer::new(mongo.clone(), self.pushed.clone(), clock, Background::inline());
        Messenger { mongo: mongo.clone(), announcer, clock }
    }

    pub(crate) fn author(&self, user: UserId) -> Author<'_> {
        let (session, fingerprints) = (&self.session, &self.fingerprints);
        Author { user, session, connection: None, limits: self.limits, fingerprints }
    }

    /// Everybody's buckets are full again.
    pub(crate) async fn forget_gates(&self) {
        self.collection("gates").await.delete_many(doc! {}).await.unwrap();
    }

    /// A collection as it lies in the store.
    pub(crate) async fn collection(&self, name: &str) -> Collection<Document> {
        Client::with_uri_str(&self.database.url).await.unwrap().default_database().unwrap().collection(name)
    }

    /// Lets every other write of a message wait, until the session is dropped.
    pub(crate) async fn hold(&self, id: MessageId) -> ClientSession {
        let messages = self.collection("messages").await;
        let mut session = messages.client().start_session().await.unwrap();
        session.start_transaction().await.unwrap();
        let touch = doc! { "$set": { "held": true } };
        let this = doc! { "_id": ObjectId::from_bytes(id.0) };
        messages.update_one(this, touch).session(&mut session).await.unwrap();
        session
    }

    /// Ends everybody's session.
    pub(crate) async fn end_sessions(&self) {
        let until = now().plus(Duration::from_hours(1));
        for user in [ANNA, BORA, EVE] {
            self.mongo().gates().end_sessions(user, std::slice::from_ref(&self.session), until).await.unwrap();
        }
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
            session: self.session.clone(),
            locale: Locale::En,
            connected_at: now(),
            active_until: now().plus(ACTIVE_FOR),
            viewing: None,
        };
        self.mongo().connections().insert(&connection).await.unwrap();
    }

    /// Nobody is there any more to see what a device shows.
    pub(crate) async fn leave_device(&self, user: UserId, name: &str) {
        let open = self.mongo().connections().list_of_people(&[user], now()).await.unwrap();
        let device = open.into_iter().find(|connection| connection.id.0 == name).unwrap();
        self.mongo().connections().insert(&Connection { active_until: now(), ..device }).await.unwrap();
    }

    /// Somebody shares no more what they have read.
    pub(crate) async fn hide_receipts(&self, user: UserId) {
        let hidden = doc! { "$set": { "read_receipts": false } };
        let people = self.collection("people").await;
        people.update_one(doc! { "_id": user.0 }, hidden).upsert(true).await.unwrap();
    }

    pub(crate) async fn send(&self, user: UserId, client_id: &str, content: &str) -> Result<Sent, Fault> {
        self.send_draft(&draft(user, client_id, content)).await
    }

    pub(crate) async fn send_draft(&self, draft: &MessageDraft) -> Result<Sent, Fault> {
        send_message(&self.messenger(), &self.author(draft.user), draft).await
    }

    pub(crate) async fn send_in(
        &self,
        room: RoomKey,
        user: UserId,
        client_id: &str,
        content: &str,
    ) -> Result<Sent, Fault> {
        self.send_draft(&MessageDraft { room, ..draft(user, client_id, content) }).await
    }

    /// Answers a message.
    pub(crate) async fn reply(&self, user: UserId, client_id: &str, content: &str, to: MessageId) -> Sent {
        self.reply_in(ROOM, user, client_id, content, to).await
    }

    pub(crate) async fn reply_in(
        &self,
        room: RoomKey,
        user: UserId,
        client_id: &str,
        content: &str,
        to: MessageId,
    ) -> Sent {
        let reply = MessageDraft { room, reply_to: Some(to), ..draft(user, client_id, content) };
        self.send_draft(&reply).await.unwrap()
    }

    pub(crate) async fn edit(&self, user: UserId, message: MessageId, content: &str) -> Result<MessageView, Fault> {
        let command = EditMessage { message, content: Content::parse(content).unwrap() };
        edit_message(&self.messenger(), &self.author(user), &command).await
    }

    pub(crate) async fn delete(&self, user: UserId, message: MessageId) -> Result<MessageView, Fault> {
        delete_message(&self.messenger(), &self.author(user), message).await
    }

    pub(crate) async fn react(&self, user: UserId, message: MessageId, emoji: &str) -> Result<MessageView, Fault> {
        let command = React { message, emoji: Emoji::parse(emoji).unwrap(), to: Reacted::There };
        react(&self.messenger(), &self.author(user), command).await
    }

    pub(crate) async fn unreact(&self, user: UserId, message: MessageId, emoji: &str) -> Result<MessageView, Fault> {
        let command = React { message, emoji: Emoji::parse(emoji).unwrap(), to: Reacted::Gone };
        react(&self.messenger(), &self.author(user), command).await
    }

    pub(crate) async fn pin(&self, user: UserId, message: MessageId) -> Result<MessageView, Fault> {
        pin_message(&self.messenger(), &self.author(user), message, Pinned::There).await
    }

    pub(crate) async fn unpin(&self, user: UserId, message: MessageId) -> Result<MessageView, Fault> {
        pin_message(&self.messenger(), &self.author(user), message, Pinned::Gone).await
    }

    /// The ids of a room's pinned messages, the newest pin first.
    pub(crate) async fn pinned(&self, user: UserId, room: RoomKey) -> Result<Vec<MessageId>, Fault> {
        let size = PageSize::parse(Some(100)).unwrap();
        let page = list_pinned(self.mongo(), ListPinned { room, user, size }, None).await?;
        Ok(page.items.iter().map(|message| message.id).collect())
    }

    /// A group as of a version: its owner, its admin, and its members.
    pub(crate) async fn group(&self, version: i64, owner: UserId, admin: UserId, members: &[UserId]) {
        let others = members.iter().map(|user| Member { user: *user, role: Role::Member });
        let staff = [Member { user: owner, role: Role::Owner }, Member { user: admin, role: Role::Admin }];
        let members = staff.into_iter().chain(others).collect();
        self.project(&Access { room: GROUP, version, members, blocked: false }).await;
    }

    /// A group of members without another role, as of a version.
    pub(crate) async fn group_of(&self, version: i64, members: &[UserId]) {
        self.project(&Access { room: GROUP, ..access(version, members) }).await;
    }

    /// A message in the group.
    pub(crate) async fn say(&self, user: UserId, content: &str) -> MessageView {
        let draft = MessageDraft { room: GROUP, ..draft(user, &Messages::new_id().to_string(), content) };
        self.send_draft(&draft).await.unwrap().message
    }

    /// Makes a message a notice of its room, which nothing else does over these operations.
    pub(crate) async fn make_system(&self, id: MessageId) {
        let system = doc! { "$set": { "message_type": "system", "system": { "kind": "member_joined", "by": 1 } } };
        let this = doc! { "_id": ObjectId::from_bytes(id.0) };
        self.collection("messages").await.update_one(this, system).await.unwrap();
    }

    pub(crate) async fn list(&self, user: UserId, anchor: Anchor, limit: i64) -> Result<MessagePage, Fault> {
        let limit = PageSize::parse(Some(limit)).unwrap();
        list_messages(&self.messenger(), ListMessages { room: ROOM, user, anchor, limit }).await
    }

    /// The newest messages as a member sees them.
    pub(crate) async fn newest(&self) -> Vec<MessageView> {
        self.list(ANNA, Anchor::Newest, 100).await.unwrap().items
    }

    pub(crate) async fn sync(&self, user: UserId, after: i64, limit: i64) -> Result<SyncPage, Fault> {
        let limit = PageSize::parse(Some(limit)).unwrap();
        sync_room(self.mongo(), SyncRoom { room: ROOM, user, after: Rev(after), limit, max_bytes: None }).await
    }

    /// A release is seen by readers once it is replicated: a client asks again while `cursor < head`.
    pub(crate) async fn sync_settled(&self, user: UserId, after: i64, limit: i64) -> SyncPage {
        self.settle_for(user).await;
        self.sync(user, after, limit).await.unwrap()
    }

    /// Waits until a majority knows what was released.
    pub(crate) async fn settle(&self) {
        self.settle_for(ANNA).await;
    }

    async fn settle_for(&self, user: UserId) {
        eventually(async || {
            let page = self.sync(user, i64::MAX, 1).await.unwrap();
            page.cursor == page.head
        })
        .await;
    }

    pub(crate) async fn find(&self, id: MessageId) -> Stored {
        self.mongo().messages().find(id).await.unwrap().unwrap()
    }

    pub(crate) async fn is_delivered(&self, id: MessageId) {
        eventually(async || self.find(id).await.fanout.is_none()).await;
    }

    /// Takes a position, whoever may write.
    pub(crate) async fn reserve(&self, placement: Placement) -> Reservation {
        self.mongo().rooms().reserve(ROOM, None, placement).await.unwrap().unwrap()
    }

    /// Takes a position above a message.
    pub(crate) async fn reserve_above(&self, id: MessageId) -> Reservation {
        let message = self.find(id).await.message;
        self.reserve(Placement::Above { id, rev: message.rev, seq: message.seq }).await
    }

    pub(crate) async fn release(&self, reservation: &Reservation) -> bool {
        self.mongo().rooms().release(ROOM, reservation).await.unwrap()
    }

    /// Leaves a message as a writer that died before its release does, whose entry was dropped since: its delivery is owed, and
    /// readers may have passed it.
    pub(crate) async fn abandon(&self, id: MessageId, since: Timestamp) -> Rev {
        let message = self.find(id).await.message;
        let position = self.reserve_above(id).await;
        let mut causal = self.mongo().causal().await.unwrap();
        let fanout = Fanout::new(since, 0);
        self.mongo().messages().stamp(&mut causal, &message, &position, fanout).await.unwrap().unwrap();
        assert!(self.release(&position).await);
        position.rev
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
