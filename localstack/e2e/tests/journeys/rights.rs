//! The authorization table: who may do what, on every route there is.

use e2e::{House, Person, Socket, journey, room_name};
use gateway::template::Template;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// A status, and a code where it is a refusal.
type Outcome = (u16, &'static str);

const OK: Outcome = (200, "");
const MADE: Outcome = (201, "");
const WHO: Outcome = (401, "unauthenticated");
const NO_ROOM: Outcome = (404, "room_not_found");
const NO_MESSAGE: Outcome = (404, "message_not_found");
const NOT_YOURS: Outcome = (403, "not_author");

/// A route, a request of it, and what becomes of it for nobody, a stranger, the author, and the other member.
pub(crate) struct Row {
    pub(crate) method: &'static str,
    pub(crate) route: &'static str,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    pub(crate) outcomes: [Outcome; 4],
}

/// What the table is about: a room of two with a message of the first.
pub(crate) struct Scene {
    pub(crate) stranger: Person,
    pub(crate) author: Person,
    pub(crate) other: Person,
    pub(crate) room: i64,
    pub(crate) message: String,
}

impl Scene {
    pub(crate) async fn set(house: &House) -> Self {
        let (author, other, room) = house.pair().await;
        let message = author.say(room, "hello").await["id"].as_str().unwrap_or_default().to_owned();
        Self { stranger: house.register("stranger").await, author, other, room, message }
    }

    pub(crate) fn routes(&self) -> Vec<Row> {
        let row = |method, route: &'static str, body, outcomes| {
            let path = route
                .replace("{id}", if method == "PUT" { &self.message } else { "{room_id}" })
                .replace("{name}", "redoc.standalone.js");
            Row { method, route, path: path.replace("{room_id}", &self.room.to_string()), body, outcomes }
        };
        let account = json!({"email": "not an address", "username": "", "password": ""});
        let login = json!({"email": self.author.account["email"], "password": e2e::PASSWORD});
        let message = json!({"room_id": self.room, "room_type": "private", "content": "hi"});
        let mut sync = row("GET", "/messages/sync", None, [WHO, NO_ROOM, OK, OK]);
        sync.path = format!("/messages/sync?room_id={}&after_rev=0", self.room);
        vec![
            // Taken or not, an address is none of this table's matters: that the door is open to all shows in a 422.
            row("POST", "/auth/register", Some(account), [(422, "invalid_fields"); 4]),
            row("POST", "/auth/login", Some(login), [OK; 4]),
            row("POST", "/auth/ticket", None, [WHO, MADE, MADE, MADE]),
            row(
                "POST",
                "/chat-rooms",
                Some(json!({"participant_id": self.stranger.id})),
                [
                    WHO,
                    // Nobody has a room with oneself.
                    (422, "invalid_fields"),
                    MADE,
                    MADE,
                ],
            ),
            row("GET", "/chat-rooms/{id}", None, [WHO, NO_ROOM, OK, OK]),
            row("POST", "/messages", Some(message), [WHO, NO_ROOM, MADE, MADE]),
            row("PUT", "/messages/{id}", Some(json!({"content": "changed"})), [WHO, NO_MESSAGE, OK, NOT_YOURS]),
            row("GET", "/messages/{id}", None, [WHO, NO_ROOM, OK, OK]),
            sync,
            row("GET", "/health", None, [OK; 4]),
            row("GET", "/health/ready", None, [OK; 4]),
            row("GET", "/openapi.json", None, [OK; 4]),
            row("GET", "/asyncapi.json", None, [OK; 4]),
            row("GET", "/docs", None, [OK; 4]),
            row("GET", "/redoc", None, [OK; 4]),
            row("GET", "/docs/assets/{name}", None, [OK; 4]),
        ]
    }

    /// Actions as a stranger, the author and the other member find them: the answer's `t`, and its code if it is `error`.
    fn actions(&self) -> BTreeMap<&'static str, (Value, [&'static str; 3])> {
        let room = room_name(self.room);
        BTreeMap::from([
            ("hello", (json!({"v": 1, "cursors": {&room: 0}}), ["ready"; 3])),
            ("send", (json!({"room": room, "client_id": "1", "content": "hi"}), ["room_not_found", "ack", "ack"])),
            ("edit", (json!({"id": self.message, "content": "new"}), ["message_not_found", "ack", "not_author"])),
            ("sync", (json!({"room": room, "after_rev": 0}), ["room_not_found", "sync", "sync"])),
            ("ping", (json!({}), ["pong"; 3])),
            ("$default", (json!({}), ["unknown_action"; 3])),
        ])
    }
}

#[test]
fn everyone_may_do_over_http_what_the_table_says_and_nothing_else() {
    journey(async |house| {
        let scene = Scene::set(house).await;
        let people = [
            ("nobody", house.api()),
            ("a stranger", scene.stranger.api.clone()),
            ("the author", scene.author.api.clone()),
            ("the other member", scene.other.api.clone()),
        ];
        let mut wrong = Vec::new();
        for row in scene.routes() {
            for ((who, api), expected) in people.iter().zip(row.outcomes) {
                let answer = api.call(row.method, &row.path, row.body.as_ref()).await;
                let found = answer.refusal();
                if (found.0, found.1.as_str()) != expected {
                    wrong.push(format!("{who}: {} {}: {found:?}, not {expected:?}", row.method, row.route));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn everyone_may_do_on_a_socket_what_the_table_says_and_nothing_else() {
    journey(async |house| {
        let scene = Scene::set(house).await;
        let mut sockets: [(&str, Socket); 3] = [
            ("a stranger", scene.stranger.socket().await),
            ("the author", scene.author.socket().await),
            ("the other member", scene.other.socket().await),
        ];
        let mut wrong = Vec::new();
        for (action, (d, outcomes)) in scene.actions() {
            for ((who, socket), expected) in sockets.iter_mut().zip(outcomes) {
                let answer = socket.ask(action, d.clone()).await;
                let found = if answer["t"] == "error" { &answer["d"]["code"] } else { &answer["t"] };
                if found != expected {
                    wrong.push(format!("{who}: {action}: {found}, not {expected}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn the_table_has_every_route_and_no_other() {
    journey(async |house| {
        let scene = Scene::set(house).await;
        let tabled: BTreeSet<String> =
            scene.routes().iter().map(|row| format!("{} {}", row.method, row.route)).collect();

        let document = house.api().get("/openapi.json").await.with(200);
        let paths = document["paths"].as_object().unwrap().iter();
        let documented: BTreeSet<String> = paths
            .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |verb| (verb, path)))
            .map(|(verb, path)| format!("{} {path}", verb.to_uppercase()))
            .collect();

        assert_eq!(tabled, documented);
        assert_eq!(
            tabled,
            template()
                .functions
                .iter()
                .flat_map(|function| &function.http_routes)
                .map(|route| { format!("{} {}", route.method, route.path) })
                .collect()
        );

        // `tickets` tells who may connect, and nobody is answered at the end.
        let tabled: BTreeSet<String> =
            scene.actions().into_keys().chain(["$connect", "$disconnect"]).map(str::to_owned).collect();
        let routes: BTreeSet<String> = template()
            .functions
            .iter()
            .flat_map(|function| &function.websocket_routes)
            .map(|it| it.key.clone())
            .collect();
        assert_eq!(tabled, routes);
    });
}

fn template() -> Template {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    Template::load(&path, &BTreeMap::new()).unwrap_or_else(|error| unreachable!("{error:#}"))
}
