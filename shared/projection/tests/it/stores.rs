use announce::Announcer;
use background::Background;
use domain::{
    Access, Aggregate, Clock, Email, Family, Fault, Locale, Member, Person, Role, RoomId, RoomKey, SessionId,
    Timestamp, UserId, Username,
};
use mongo::Mongo;
use mongodb::{
    Client, ClientSession,
    bson::{Document, doc},
    options::ReadConcern,
};
use mysql::{Mysql, NewSession, NewUser, Tx};
use projection::{Changed, Projector};
use std::time::Duration;
use testkit::{mongo::Database as MongoDatabase, mysql::Database as MysqlDatabase, pushing};

/// Ahead of the servers' own clocks, which forget what has expired.
pub(crate) const NOON: Timestamp = Timestamp::from_millis(2_114_424_000_000);
/// What everybody's password is hashed to.
const HASH: &str = "hash";
pub(crate) const LIFETIME: Duration = Duration::from_mins(15);

const CLOCK: Clock = Clock(|| NOON);

pub(crate) struct Stores {
    pub(crate) projector: Projector,
    pub(crate) pair: [UserId; 2],
    pub(crate) mysql: MysqlDatabase,
    pub(crate) mongo: MongoDatabase,
}

impl Stores {
    /// Both stores and two people of whom MongoDB knows nothing yet.
    pub(crate) async fn new() -> Self {
        let (mysql, mongo) = tokio::join!(MysqlDatabase::new(), MongoDatabase::new());
        let projector = Projector {
            mysql: mysql.mysql.clone(),
            mongo: mongo.mongo.clone(),
            announcer: announcer(mongo.mongo.clone()),
            clock: CLOCK,
            token_lifetime: LIFETIME,
        };
        let pair = [join(&mysql.mysql, "aa").await, join(&mysql.mysql, "bb").await];
        Self { projector, pair, mysql, mongo }
    }

    pub(crate) fn mysql(&self) -> &Mysql {
        &self.projector.mysql
    }

    /// The same stores, of which MongoDB does not answer.
    pub(crate) async fn cut_off(&self) -> Projector {
        let away = Mongo::connect("mongodb://127.0.0.1:1/none?serverSelectionTimeoutMS=50").await.unwrap();
        Projector { mongo: away.clone(), announcer: announcer(away), ..self.projector.clone() }
    }

    /// A room as a majority of MongoDB knows it.
    pub(crate) async fn room(&self, room: RoomId) -> Option<Access> {
        let (room, client) = (RoomKey::private(room), Client::with_uri_str(&self.mongo.url).await.unwrap());
        let rooms = client.default_database().unwrap().collection::<Document>("rooms");
        let this = doc! { "_id": room.to_string() };
        let found = rooms.find_one(this).read_concern(ReadConcern::majority()).await.unwrap()?;
        let users = found.get_array("members").unwrap().iter().map(|user| UserId(user.as_i32().unwrap()));
        let members = users.map(|user| Member { user, role: Role::Member }).collect();
        let (version, blocked) = (found.get_i64("version").unwrap(), found.get_bool("blocked").unwrap());
        Some(Access { room, version, members, blocked })
    }

    pub(crate) async fn person(&self, user: UserId) -> Option<Person> {
        self.projector.mongo.people().find(user).await.unwrap()
    }

    /// Whether the tokens of a session are refused.
    pub(crate) async fn is_ended(&self, user: UserId, session: &SessionId) -> bool {
        self.projector.mongo.gates().is_ended(user, session).await.unwrap()
    }

    /// How many changes MongoDB may not know.
    pub(crate) async fn waiting(&self) -> i64 {
        self.mysql().outbox().count().await.unwrap()
    }

    /// Lets every other write of a person wait, until the session is dropped.
    pub(crate) async fn hold(&self, user: UserId) -> ClientSession {
        let client = Client::with_uri_str(&self.mongo.url).await.unwrap();
        let people = client.default_database().unwrap().collection::<Document>("people");
        let mut session = client.start_session().await.unwrap();
        session.start_transaction().await.unwrap();
        let touch = doc! { "$set": { "held": true } };
        people.update_one(doc! { "_id": user.0 }, touch).session(&mut session).await.unwrap();
        session
    }

    /// What an operator does: the account is closed, and noted as changed.
    pub(crate) async fn deactivate(&self, user: UserId) {
        self.set_active(user, false).await;
    }

    /// The account is opened again.
    pub(crate) async fn activate(&self, user: UserId) {
        self.set_active(user, true).await;
    }

    async fn set_active(&self, user: UserId, is_active: bool) {
        let change = format!("UPDATE users SET is_active = {is_active}, version = version + 1 WHERE id = {user}");
        testkit::mysql::execute(&self.mysql.url, &change).await;
        self.mysql().transact(vec![Aggregate::Person(user)], note).await.unwrap();
    }

    /// Puts sessions of somebody into the database that ended at a moment.
    pub(crate) async fn end_many(&self, user: UserId, count: u32, at: Timestamp) {
        testkit::mysql::end_sessions(&self.mysql.url, user, count, at).await;
    }

    /// Every session of somebody, by id.
    pub(crate) async fn mysql_ids(&self, user: UserId) -> Vec<SessionId> {
        testkit::mysql::session_ids(&self.mysql.url, user).await
    }

    pub(crate) async fn log_in(&self, user: UserId, byte: u8) -> SessionId {
        self.log_in_at(NOON, user, byte).await
    }

    pub(crate) async fn log_in_at(&self, at: Timestamp, user: UserId, byte: u8) -> SessionId {
        let id = SessionId::from_bytes([byte; 16]);
        let session = NewSession { id: id.clone(), user, user_agent: None, at, expires_at: at.plus(Family::LIFE) };
        assert!(self.mysql().sessions().insert(session, HASH).await.unwrap());
        id
    }
}

fn announcer(mongo: Mongo) -> Announcer {
    Announcer::new(mongo, pushing::into_the_void(), CLOCK, Background::inline())
}

pub(crate) async fn join(mysql: &Mysql, name: &str) -> UserId {
    let new = NewUser {
        email: Email::parse(&format!("{name}@example.com")).unwrap(),
        username: Username::parse(name).unwrap(),
        display_name: None,
        password_hash: HASH.to_owned(),
        locale: Locale::En,
        at: NOON,
    };
    mysql.users().insert(new).await.unwrap().profile.id
}

/// Notes changes that MongoDB does not learn of, as if the process had died after its commit.
pub(crate) async fn note(tx: &mut Tx, changed: Vec<Aggregate>) -> Result<(), Fault> {
    tx.outbox().insert(&changed, NOON).await
}

pub(crate) async fn open_room(tx: &mut Tx, pair: [UserId; 2]) -> Result<Changed<RoomId>, Fault> {
    tx.users().lock_active_pair(pair).await?;
    let room = if let Some(room) = tx.private_rooms().find_by_pair(pair).await? {
        room
    } else {
        let room = tx.private_rooms().insert(pair, NOON).await?;
        tx.outbox().insert(&[Aggregate::PrivateRoom(room)], NOON).await?;
        room
    };
    Ok(Changed::quietly(vec![Aggregate::PrivateRoom(room)], room))
}

pub(crate) async fn touch_room(tx: &mut Tx, room: RoomId) -> Result<Changed<()>, Fault> {
    let touched = vec![Aggregate::PrivateRoom(room)];
    tx.private_rooms().lock(room).await?;
    tx.outbox().insert(&touched, NOON).await?;
    Ok(Changed::quietly(touched, ()))
}

pub(crate) async fn touch_people(tx: &mut Tx, pair: [UserId; 2]) -> Result<Changed<()>, Fault> {
    let touched = pair.map(Aggregate::Person).to_vec();
    tx.users().lock_pair(pair).await?;
    tx.users().raise_versions(&pair).await?;
    tx.outbox().insert(&touched, NOON).await?;
    Ok(Changed::quietly(touched, ()))
}
