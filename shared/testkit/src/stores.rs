#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test ends where its set-up fails")]

use crate::{pushing::Recorder, ses::SesServer};
use announce::Announcer;
use backend::Backend;
use background::Background;
use boot::Limits;
use credentials::{AccessTokens, Fingerprints, MailTokens};
use domain::{
    Access, Aggregate, Attach, ClientId, Clock, ConnectionId, Content, DisplayName, Email, Emoji, Fault, Limit, Locale,
    Member, Mentions, MessageDraft, MessageId, MessageType, Person, Rev, Rights, Role, RoomId, RoomKey, SessionId,
    Timestamp, UploadId, UserId, Username,
    notification::{Address, Device},
};
use mail::Post;
use messaging::{Author, MessageLimits, Messenger, React, Reacted};
use mongo::{ACTIVE_FOR, Connection, Inserted, Messages, Mongo, NewMessage, Placement};
use mysql::{Mysql, Names, NewSession, NewUser, Tx};
use projection::{Changed, DeleteAccount, Projector};
use std::{sync::Arc, time::Duration};

/// The time of every door, so late that nothing expires by a store's own clock while a test runs.
pub const NOON: Timestamp = Timestamp::from_millis(2_100_000_000_000);

/// The id of the first one of a crowd.
const FIRST_OF_CROWD: i32 = 100_000;

/// What signs tokens.
pub const KEY: &str = "0123456789abcdef0123456789abcdef";

/// The password of whoever has one.
pub const PASSWORD: &str = "correct horse battery";

/// Its hash, at the least cost of bcrypt.
pub const PASSWORD_HASH: &str = "$2b$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS";

/// How long access tokens live.
pub const LIFETIME: Duration = Duration::from_mins(15);

/// Databases of a test's own, and what is pushed.
#[derive(Debug)]
pub struct Stores {
    mysql: Option<crate::mysql::Database>,
    mongo: crate::mongo::Database,
    /// What was pushed to which connection.
    pub pushes: Arc<Recorder>,
}

/// Every limit alike.
pub fn limits_of(burst: u32, per_minute: u32) -> Limits {
    let limit = Limit { burst, per_minute };
    Limits {
        sends: limit,
        retries: limit,
        frames: limit,
        friend_requests: limit,
        searches: limit,
        message_searches: limit,
        tickets: limit,
        changes: limit,
        reads: limit,
        new_rooms: limit,
        sign_ins: limit,
        mails: limit,
        notifications: limit,
        test_pushes: limit,
        uploads: limit,
        links: limit,
    }
}

impl Stores {
    /// Both stores.
    pub async fn new() -> Self {
        let (mysql, stores) = tokio::join!(crate::mysql::Database::new(), Self::without_mysql());
        Self { mysql: Some(mysql), ..stores }
    }

    /// What functions of the message path have.
    pub async fn without_mysql() -> Self {
        Self { mysql: None, mongo: crate::mongo::Database::new().await, pushes: Arc::default() }
    }

    /// What functions of people have, with limits that no test reaches.
    pub fn backend(&self) -> Backend {
        Backend {
            projector: self.projector(),
            tokens: self.tokens(),
            limits: limits_of(1_000, 1_000),
            clock: self.clock(),
            random: boot::random(),
        }
    }

    /// Both stores, as `projection` has them.
    pub fn projector(&self) -> Projector {
        Projector {
            mysql: self.mysql().clone(),
            mongo: self.mongo().clone(),
            announcer: self.announcer(),
            clock: self.clock(),
            token_lifetime: LIFETIME,
        }
    }

    /// Issues and checks access tokens.
    pub fn tokens(&self) -> AccessTokens {
        AccessTokens::new("HS256", KEY, None, LIFETIME).expect("HS256 is known")
    }

    /// Tells retries from other messages.
    pub fn fingerprints(&self) -> Fingerprints {
        Fingerprints::new(KEY, None)
    }

    /// Sends mails by a server of SES, and takes no time to hide whether there was one to send.
    pub fn post_to(&self, ses: &SesServer) -> Post {
        let tokens = MailTokens::new(KEY, None);
        let post = Post::new(self.mysql().clone(), ses.client(), tokens, "https://chat.example", self.clock());
        post.even_within(Duration::ZERO)
    }

    /// A clock that stands at `NOON`.
    pub fn clock(&self) -> Clock {
        Clock(|| NOON)
    }

    /// Tells the recording connections, before the answer.
    pub fn announcer(&self) -> Announcer {
        Announcer::new(self.mongo().clone(), self.pushes.clone(), self.clock(), Background::inline())
    }

    /// What functions of the message path have.
    pub fn messenger(&self) -> Messenger {
        Messenger { mongo: self.mongo().clone(), announcer: self.announcer(), clock: self.clock() }
    }

    /// The record of people and rooms.
    pub fn mysql(&self) -> &Mysql {
        &self.mysql_database().mysql
    }

    /// The same for a user like one whom the guide to operating creates.
    pub async fn mysql_as(&self, user: &str) -> Mysql {
        let url = self.mysql_database().url_of(user).await;
        Mysql::connect(&url, Mysql::LAMBDA_CONNECTIONS).expect("a URL")
    }

    /// The record of messages.
    pub fn mongo(&self) -> &Mongo {
        &self.mongo.mongo
    }

    /// Notes what MongoDB is asked from now on.
    pub async fn profile(&self) -> crate::mongo::Profile {
        crate::mongo::Profile::of(&self.mongo).await
    }

    /// Where the record of messages is.
    pub fn mongo_url(&self) -> &str {
        &self.mongo.url
    }

    /// Does what no code of ours does: a row of another version, an operator's statement.
    pub async fn execute(&self, statement: &str) {
        crate::mysql::execute(&self.mysql_database().url, statement).await;
    }

    /// Puts many sessions of somebody into the database that ended at a moment.
    pub async fn end_sessions(&self, user: UserId, count: u32, at: Timestamp) {
        crate::mysql::end_sessions(&self.mysql_database().url, user, count, at).await;
    }

    /// Someone with an account, who is found by their name; the shown name is the same in capitals.
    pub async fn join(&self, name: &str) -> UserId {
        let display_name = DisplayName::parse(&name.to_uppercase()).expect("a name");
        let new = NewUser {
            email: Email::parse(&format!("{name}@example.com")).expect("an address"),
            username: Username::parse(name).expect("a name"),
            display_name: Some(display_name),
            password_hash: String::new(),
            locale: Locale::En,
            at: NOON,
        };
        let profile = self.mysql().users().insert(new).await.expect("nobody has the name").profile;
        let (username, display_name) = (Some(profile.username), profile.display_name);
        let names = Names { user: profile.id, username, display_name };
        self.mysql().users().insert_names(&[names]).await.expect("MySQL is there");
        profile.id
    }

    /// So many people with accounts, whom nobody searches.
    pub async fn join_crowd(&self, number: i32) -> Vec<UserId> {
        let ids = FIRST_OF_CROWD..FIRST_OF_CROWD + number;
        let row = |id| format!("({id}, 'crowd{id}', 'crowd{id}', '', 'crowd{id}', 'crowd{id}', NOW(3), NOW(3))");
        let rows: Vec<_> = ids.clone().map(row).collect();
        let columns = "id, email, email_fold, password_hash, username, username_fold, created_at, updated_at";
        self.execute(&format!("INSERT INTO users ({columns}) VALUES {}", rows.join(", "))).await;
        ids.map(UserId).collect()
    }

    /// Locks people's rows, as another request does, until it is released.
    pub async fn hold(&self, people: &[UserId]) -> crate::mysql::Held {
        crate::mysql::hold(&self.mysql_database().url, people).await
    }

    /// Ends an account, as an operator does.
    pub async fn deactivate(&self, user: UserId) {
        self.execute(&format!("UPDATE users SET is_active = FALSE WHERE id = {user}")).await;
    }

    /// Gives someone the password and the session of a door's tokens.
    pub async fn log_in(&self, user: UserId) {
        self.execute(&format!("UPDATE users SET password_hash = '{PASSWORD_HASH}' WHERE id = {user}")).await;
        let (id, expires_at) = (SessionId::from_bytes([1; 16]), NOON.plus(Duration::from_hours(24)));
        let session = NewSession { id, user, user_agent: None, at: NOON, expires_at };
        let begun = self.mysql().sessions().insert(session, PASSWORD_HASH).await.expect("MySQL is there");
        assert!(begun, "the account is active");
    }

    /// Deletes the account of someone who has the password.
    pub async fn delete_account(&self, user: UserId) -> Result<(), Fault> {
        let password_hash = PASSWORD_HASH.to_owned();
        self.projector().delete_account(DeleteAccount { user, password_hash, at: NOON }).await
    }

    /// Sends a message with a door's tokens.
    pub async fn say(&self, room: RoomKey, user: UserId, client_id: &str) -> Result<MessageId, Fault> {
        let content = Content::parse(client_id).expect("a text");
        self.send(room, user, client_id, content, Vec::new()).await
    }

    /// Sends a picture, which is made of a number, with a door's tokens.
    pub async fn send_picture(&self, room: RoomKey, user: UserId, number: u8) -> Result<(MessageId, UploadId), Fault> {
        let upload = crate::mongo::Uploaded::by(user, number).make(self.mongo(), NOON).await;
        let content = Content::parse_optional("").expect("no text");
        let files = vec![Attach { upload, poster: None }];
        let message = self.send(room, user, &format!("picture-{number}"), content, files).await?;
        Ok((message, upload))
    }

    async fn send(
        &self,
        room: RoomKey,
        user: UserId,
        client_id: &str,
        content: Content,
        attachments: Vec<Attach>,
    ) -> Result<MessageId, Fault> {
        let (session, fingerprints) = (SessionId::from_bytes([1; 16]), self.fingerprints());
        let author = author(user, &session, &fingerprints);
        let draft = MessageDraft {
            room,
            user,
            content,
            message_type: if attachments.is_empty() { MessageType::Text } else { MessageType::Image },
            reply_to: None,
            forwarded_from: None,
            attachments,
            client_id: ClientId::parse(client_id).expect("a name"),
        };
        messaging::send_message(&self.messenger(), &author, &draft).await.map(|sent| sent.message.id)
    }

    /// Reacts to a message with a door's tokens.
    pub async fn react(&self, message: MessageId, user: UserId, emoji: &str) -> Result<(), Fault> {
        let (session, fingerprints) = (SessionId::from_bytes([1; 16]), self.fingerprints());
        let react = React { message, emoji: Emoji::parse(emoji).expect("an emoji"), to: Reacted::There };
        messaging::react(&self.messenger(), &author(user, &session, &fingerprints), react).await.map(drop)
    }

    /// One of two people blocks the other, of which MongoDB does not learn.
    pub async fn block(&self, by: UserId, blocked: UserId) {
        self.mysql().blocks().insert(by, blocked, NOON).await.expect("both are there");
    }

    /// A room of two people, known to both stores.
    pub async fn open_room(&self, pair: [UserId; 2]) -> RoomKey {
        let room = self.projector().change(pair, open_room).await.expect("both are there");
        RoomKey::private(room)
    }

    /// A room of two people that MongoDB alone knows, as functions of the message path need it.
    pub async fn project_room(&self, pair: [UserId; 2]) -> RoomKey {
        self.project(1, pair, false).await
    }

    /// One of the two people of that room blocks the other.
    pub async fn project_block(&self, pair: [UserId; 2]) {
        self.project(2, pair, true).await;
    }

    async fn project(&self, version: i64, pair: [UserId; 2], blocked: bool) -> RoomKey {
        let room = RoomKey::private(RoomId(1));
        let members = pair.map(|user| Member { user, role: Role::Member }).into();
        let access = Access { room, version, members, blocked };
        self.mongo().rooms().project(&access, NOON).await.expect("MongoDB is there");
        room
    }

    /// Writes a message whose author's request ends before it is pushed.
    pub async fn leave_message(&self, draft: &MessageDraft, at: Timestamp) -> (MessageId, Rev) {
        let (mongo, id) = (self.mongo(), Messages::new_id());
        let reserved = mongo.rooms().reserve(draft.room, None, Placement::New(id)).await.expect("MongoDB is there");
        let reservation = reserved.expect("MongoDB knows the room");
        let mut causal = mongo.causal().await.expect("MongoDB is there");
        let new =
            NewMessage { id, draft, mentions: Mentions::default(), attachments: &[], fingerprint: b"fingerprint", at };
        let inserted = mongo.messages().insert(&mut causal, &new, &reservation).await.expect("MongoDB is there");
        assert!(matches!(inserted, Inserted::Done(_)), "the client_id is new");
        mongo.rooms().release(draft.room, &reservation).await.expect("MongoDB is there");
        (id, reservation.rev)
    }

    /// What someone may do in a room; `None` for who is not in it.
    pub async fn rights(&self, room: RoomKey, user: UserId) -> Option<Rights> {
        self.mongo().rooms().find_rights(room, user).await.expect("MongoDB is there")
    }

    /// What MongoDB knows of someone.
    pub async fn known(&self, user: UserId) -> Person {
        self.mongo().people().find(user).await.expect("MongoDB is there").expect("MongoDB knows the person")
    }

    /// Opens a WebSocket of a session.
    pub async fn connect(&self, user: UserId, session: SessionId, name: &str) {
        let id = ConnectionId(name.to_owned());
        let connection = Connection {
            id,
            user,
            session,
            locale: Locale::En,
            connected_at: NOON,
            active_until: NOON.plus(ACTIVE_FOR),
            viewing: None,
        };
        self.mongo().connections().insert(&connection).await.expect("MongoDB is there");
    }

    /// Registers a device of a person, one of a few that are told apart by a number, as of their first login.
    pub async fn register_device(&self, user: UserId, number: u8) -> Device {
        self.register_device_of(user, number, SessionId::from_bytes([1; 16])).await
    }

    /// The same, as of a login.
    pub async fn register_device_of(&self, user: UserId, number: u8, session: SessionId) -> Device {
        let at = NOON.plus(Duration::from_secs(number.into()));
        let token = format!("token-of-{user}-{number}");
        let device = Device {
            user,
            installation: format!("5f0c9d1e-7a3b-4c2d-9e8f-{number:012x}").parse().expect("a UUID"),
            session,
            address: Address::Fcm(token.clone()),
            locale: Locale::Ko,
            time_zone: None,
            app_version: None,
            created_at: at,
            seen_at: at,
            last_push_at: None,
            last_error: None,
        };
        let mut causal = self.mongo().causal().await.expect("a running server");
        self.mongo().devices().register_in(&mut causal, &device, &token).await.expect("a device");
        self.mongo().devices().confirm(&device).await.expect("a running server");
        device
    }

    /// How many devices a person has.
    pub async fn count_devices(&self, user: UserId) -> usize {
        self.mongo().devices().list(user).await.expect("a running server").len()
    }

    /// The names of a person's open WebSockets.
    pub async fn connections(&self, user: UserId) -> Vec<String> {
        let open = self.mongo().connections().list_of_people(&[user], NOON).await.expect("MongoDB is there");
        open.into_iter().map(|connection| connection.id.0).collect()
    }

    fn mysql_database(&self) -> &crate::mysql::Database {
        self.mysql.as_ref().expect("these stores have a MySQL database")
    }
}

/// Somebody with limits that no test reaches.
fn author<'a>(user: UserId, session: &'a SessionId, fingerprints: &'a Fingerprints) -> Author<'a> {
    let limit = Limit { burst: 1_000, per_minute: 1_000 };
    let limits = MessageLimits { sends: limit, retries: limit, changes: limit };
    Author { user, session, connection: None, limits, fingerprints }
}

async fn open_room(tx: &mut Tx, pair: [UserId; 2]) -> Result<Changed<RoomId>, Fault> {
    tx.users().lock_pair(pair).await?;
    let room = tx.private_rooms().insert(pair, NOON).await?;
    Ok(Changed::quietly(vec![Aggregate::PrivateRoom(room)], room))
}
