use domain::{Person, RoomKey, SessionId, UserId};
use mongo::Connection;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{NOON, Stores, events, limits_of, person};
use tokio::time::{Instant, sleep};
use ws_send::App;

pub(crate) const MINJI: UserId = UserId(1);
pub(crate) const JUNHO: UserId = UserId(2);
pub(crate) const STRANGER: UserId = UserId(3);

/// The function and a room of Minji and Junho; each has a connection named like them, and so has a stranger.
pub(crate) struct Sockets {
    pub(crate) stores: Stores,
    pub(crate) app: App,
    pub(crate) room: RoomKey,
}

impl Sockets {
    pub(crate) async fn new() -> Self {
        let stores = Stores::without_mysql().await;
        let room = stores.project_room([MINJI, JUNHO]).await;
        for (user, name) in [(MINJI, "minji"), (JUNHO, "junho"), (STRANGER, "stranger")] {
            stores.connect(user, SessionId::from_bytes([1; 16]), name).await;
        }
        let (messenger, fingerprints) = (stores.messenger(), stores.fingerprints());
        let app =
            App { messenger, fingerprints, limits: limits_of(1_000, 1_000), random: boot::random(), typing: true };
        Self { stores, app, room }
    }

    /// The answer to a text, which is pushed on a one-way route; null where there is none.
    pub(crate) async fn tell(&self, connection: &str, text: &str) -> Value {
        let earlier = self.stores.pushes.count();
        let answer = ws_send::handle(&self.app, events::text(connection, text)).await.unwrap();
        assert_eq!(answer.status_code, 200);
        let answer = match answer.body {
            Some(body) => serde_json::from_str(&body).unwrap(),
            None => self.stores.pushes.answer(connection, earlier).unwrap_or_default(),
        };
        if !answer.is_null() {
            assert_eq!(contract::misfit_of_frame(&answer), None);
        }
        answer
    }

    /// The answer to a frame without an id, if there is one.
    pub(crate) async fn say(&self, connection: &str, action: &str, details: &Value) -> Value {
        self.tell(connection, &json!({ "action": action, "d": details }).to_string()).await
    }

    /// The answer to a frame, which echoes its id.
    pub(crate) async fn ask(&self, connection: &str, action: &str, details: &Value) -> Value {
        let answer = self.tell(connection, &json!({ "action": action, "id": "1", "d": details }).to_string()).await;
        assert_eq!(answer["re"], "1", "{answer}");
        answer
    }

    /// A person's one connection, once a majority knows what it is to be; a note of a frame is known to one node first.
    pub(crate) async fn row_once(&self, user: UserId, is_there: impl Fn(&Connection) -> bool) -> Connection {
        let begun = Instant::now();
        loop {
            let row = self.stores.mongo().connections().list_of_people(&[user], NOON).await.unwrap().remove(0);
            if is_there(&row) || begun.elapsed() > Duration::from_secs(5) {
                return row;
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends a message and answers the `d` of its ack.
    pub(crate) async fn send(&self, connection: &str, content: &str) -> Value {
        let message = json!({ "room": self.room, "client_id": content.len().to_string(), "content": content });
        let answer = self.ask(connection, "send", &message).await;
        assert_eq!(answer["t"], "ack", "{answer}");
        answer["d"].clone()
    }
}

/// The code of an error frame, and whether it ends the connection.
pub(crate) fn refusal(answer: &Value) -> (&str, bool) {
    assert_eq!(answer["t"], "error", "{answer}");
    (answer["d"]["code"].as_str().unwrap(), answer["d"]["fatal"].as_bool().unwrap())
}

pub(crate) fn knows(id: UserId, friends: Vec<UserId>) -> Person {
    Person { friends, ..person(id, &format!("name{id}")) }
}
