use boot::AwsCredentials;
use domain::{
    Aggregate, ClientId, Clock, ConnectionId, Content, Email, Fault, FriendshipStatus, Limit, Locale, MessageDraft,
    MessageId, MessageType, Rev, RoomId, RoomKey, SessionId, Timestamp, UserId, Username,
};
use messaging::Messenger;
use mongo::{Connection, Inserted, Mongo, NewMessage, Numbered};
use mysql::{Mysql, NewSession, NewUser, Tx};
use projection::Projector;
use realtime::ManagementApi;
use relay::Report;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read as _, Write as _},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

/// So late that nothing expires by the store's own clock while a test runs.
pub(crate) const NOON: Timestamp = Timestamp::from_millis(2_100_000_000_000);

const LIFETIME: Duration = Duration::from_mins(15);

/// Two stores with what died in between, and what was pushed to whom.
pub(crate) struct House {
    crew: Crew,
    pushes: Receiver<(String, Value)>,
    databases: (testkit::mysql::Database, testkit::mongo::Database),
}

/// What a run works with.
#[derive(Clone)]
pub(crate) struct Crew(Projector);

impl Crew {
    pub(crate) async fn run(&self) -> Result<Report, Fault> {
        let send_limit = Limit { burst: 1, per_minute: 1 };
        relay::run(&self.0, Messenger { mongo: &self.0.mongo, clock: self.0.clock, send_limit }).await
    }
}

/// So long ago that whoever wrote then must have died.
pub(crate) fn long_ago() -> Timestamp {
    NOON.minus(Duration::from_secs(6))
}

impl House {
    pub(crate) async fn new() -> Self {
        let (mysql, mongo) = tokio::join!(testkit::mysql::Database::new(), testkit::mongo::Database::new());
        let (url, pushes) = gateway();
        let keys = AwsCredentials {
            access_key_id: "id".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: None,
            region: "us-east-1".to_owned(),
        };
        let crew = Crew(Projector {
            mysql: mysql.mysql.clone(),
            mongo: mongo.mongo.clone(),
            pusher: ManagementApi::new(&url, keys),
            clock: Clock(|| NOON),
            token_lifetime: LIFETIME,
        });
        Self { crew, pushes, databases: (mysql, mongo) }
    }

    pub(crate) async fn run(&self) -> Report {
        self.crew.run().await.unwrap()
    }

    pub(crate) fn crew(&self) -> Crew {
        self.crew.clone()
    }

    pub(crate) fn without_mysql(&self) -> Crew {
        let mysql = Mysql::connect("mysql://root@127.0.0.1:1/none", 1).unwrap();
        Crew(Projector { mysql, ..self.crew.0.clone() })
    }

    pub(crate) fn mysql(&self) -> &Mysql {
        &self.crew.0.mysql
    }

    pub(crate) fn mongo(&self) -> &Mongo {
        &self.crew.0.mongo
    }

    pub(crate) fn mongo_url(&self) -> &str {
        &self.databases.1.url
    }

    /// The next push: where to, and what.
    pub(crate) fn pushed(&self) -> (String, Value) {
        self.pushes.recv_timeout(Duration::from_secs(5)).unwrap()
    }

    /// Two people of whom MongoDB does not know.
    pub(crate) async fn two(&self) -> [UserId; 2] {
        [self.commit_user("minji").await, self.commit_user("junho").await]
    }

    async fn commit_user(&self, name: &str) -> UserId {
        let new = NewUser {
            email: Email::parse(&format!("{name}@example.com")).unwrap(),
            username: Username::parse(name).unwrap(),
            display_name: None,
            password_hash: String::new(),
            locale: Locale::En,
            at: NOON,
        };
        self.mysql().transact(new, insert_user).await.unwrap()
    }

    /// A room of which MongoDB does not know.
    pub(crate) async fn commit_room(&self, pair: [UserId; 2]) -> RoomId {
        self.mysql().transact(pair, insert_room).await.unwrap()
    }

    /// A room of which both stores know, and nothing else that MongoDB does not know.
    pub(crate) async fn open_room(&self, pair: [UserId; 2]) -> RoomKey {
        let room = self.commit_room(pair).await;
        self.run().await;
        RoomKey::private(room)
    }

    /// A request or friendship of which MongoDB does not know.
    pub(crate) async fn commit_friendship(&self, pair: [UserId; 2], status: FriendshipStatus) {
        self.mysql().transact((pair, status), set_friendship).await.unwrap();
    }

    /// A session that has ended, of which MongoDB does not know.
    pub(crate) async fn commit_logout(&self, user: UserId) -> SessionId {
        let id = SessionId::from_bytes([7; 16]);
        let session = NewSession { id: id.clone(), user, user_agent: None, at: NOON, expires_at: NOON.plus(LIFETIME) };
        self.mysql().transact(session, insert_ended_session).await.unwrap();
        id
    }

    /// A message that was written, and of which nobody was told since.
    pub(crate) async fn leave_message(&self, room: RoomKey, user: UserId, since: Timestamp) -> (MessageId, Rev) {
        let id = Mongo::new_message_id();
        let draft = MessageDraft {
            room,
            user,
            content: Content::parse("안녕").unwrap(),
            message_type: MessageType::Text,
            reply_to: None,
            client_id: ClientId::parse("c").unwrap(),
        };
        let place = self.mongo().reserve(room, 1, Numbered::Message).await.unwrap().unwrap();
        let new = NewMessage { id, draft: &draft, fingerprint: b"f", at: since };
        assert!(matches!(self.mongo().insert_message(&new, place).await.unwrap(), Inserted::Done(_)));
        self.mongo().release(room, place).await.unwrap();
        (id, place.rev)
    }

    pub(crate) async fn connect(&self, user: UserId, name: &str) {
        let (id, session) = (ConnectionId(name.to_owned()), SessionId::from_bytes([1; 16]));
        let connection = Connection { id, user, session, locale: Locale::En, connected_at: NOON };
        self.mongo().insert_connection(&connection).await.unwrap();
    }

    /// Waits until a majority knows that a message was delivered.
    pub(crate) async fn is_delivered(&self, id: MessageId) {
        let asking = async {
            while self.mongo().find_message(id).await.unwrap().unwrap().pending_since.is_some() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), asking).await.unwrap();
    }
}

async fn insert_user(tx: &mut Tx, new: NewUser) -> Result<UserId, Fault> {
    let id = tx.users().insert(new).await?.profile.id;
    tx.outbox().insert(&[Aggregate::Person(id)], NOON).await?;
    Ok(id)
}

async fn insert_room(tx: &mut Tx, pair: [UserId; 2]) -> Result<RoomId, Fault> {
    tx.users().lock_pair(pair).await?;
    let room = tx.private_rooms().insert(pair, NOON).await?;
    tx.outbox().insert(&[Aggregate::PrivateRoom(room)], NOON).await?;
    Ok(room)
}

async fn set_friendship(tx: &mut Tx, (pair, status): ([UserId; 2], FriendshipStatus)) -> Result<(), Fault> {
    tx.users().lock_pair(pair).await?;
    let between = tx.friendships().find_between(pair).await?;
    let friendship = match between {
        Some(friendship) => friendship,
        None => tx.friendships().insert(pair[0], pair[1], NOON).await?,
    };
    tx.friendships().update(friendship.id, status, NOON).await?;
    tx.users().raise_versions(&pair).await?;
    tx.outbox().insert(&pair.map(Aggregate::Person), NOON).await
}

async fn insert_ended_session(tx: &mut Tx, session: NewSession) -> Result<(), Fault> {
    let (id, user) = (session.id.clone(), session.user);
    tx.sessions().insert(session, "").await?;
    tx.sessions().revoke(&id, user, NOON).await?;
    tx.outbox().insert(&[Aggregate::Sessions(user)], NOON).await
}

/// An API Gateway that takes every push, and what it took.
fn gateway() -> (String, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let (took, pushes) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let mut head = Vec::new();
            while let Some(line) = next_line(&mut reader) {
                head.push(line);
            }
            let length =
                head.iter().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).unwrap();
            reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            let path = head[0].split(' ').nth(1).unwrap().to_owned();
            if took.send((path, serde_json::from_slice(&body).unwrap())).is_err() {
                break;
            }
        }
    });
    (url, pushes)
}

/// A line of a request's head; `None` at its end.
fn next_line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    Some(line.trim_end().to_owned()).filter(|line| !line.is_empty())
}
