//! Every frame, over a database of its own.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

use domain::{Locale, Person, Privacy, RoomKey, SessionId, UserId};
use messaging::Messenger;
use mongo::{ACTIVE_FOR, Connection, Mongo};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use testkit::{NOON, RecordedQueue, Stores, events, limits_of};
use tokio::time::{Instant, sleep};
use ws_send::App;

const MINJI: UserId = UserId(1);
const JUNHO: UserId = UserId(2);
const STRANGER: UserId = UserId(3);

/// The function and a room of Minji and Junho; each has a connection named like them, and so has a stranger.
struct Sockets {
    stores: Stores,
    app: App,
    room: RoomKey,
}

impl Sockets {
    async fn new() -> Self {
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
    async fn tell(&self, connection: &str, text: &str) -> Value {
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
    async fn say(&self, connection: &str, action: &str, details: &Value) -> Value {
        self.tell(connection, &json!({ "action": action, "d": details }).to_string()).await
    }

    /// The answer to a frame, which echoes its id.
    async fn ask(&self, connection: &str, action: &str, details: &Value) -> Value {
        let answer = self.tell(connection, &json!({ "action": action, "id": "1", "d": details }).to_string()).await;
        assert_eq!(answer["re"], "1", "{answer}");
        answer
    }

    /// A person's one connection, once a majority knows what it is to be; a note of a frame is known to one node first.
    async fn row_once(&self, user: UserId, is_there: impl Fn(&Connection) -> bool) -> Connection {
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
    async fn send(&self, connection: &str, content: &str) -> Value {
        let message = json!({ "room": self.room, "client_id": content.len().to_string(), "content": content });
        let answer = self.ask(connection, "send", &message).await;
        assert_eq!(answer["t"], "ack", "{answer}");
        answer["d"].clone()
    }
}

/// The code of an error frame, and whether it ends the connection.
fn refusal(answer: &Value) -> (&str, bool) {
    assert_eq!(answer["t"], "error", "{answer}");
    (answer["d"]["code"].as_str().unwrap(), answer["d"]["fatal"].as_bool().unwrap())
}

#[tokio::test]
async fn hello_answers_who_is_connected_and_what_was_missed() {
    let sockets = Sockets::new().await;
    sockets.send("minji", "안녕").await;

    let ready = sockets.ask("junho", "hello", &json!({ "v": 1, "cursors": { sockets.room.to_string(): 0 } })).await;

    assert_eq!((&ready["t"], &ready["d"]["user"]), (&json!("ready"), &json!(JUNHO)));
    assert_eq!(ready["d"]["gaps"], json!([sockets.room]));
    assert_eq!((&ready["d"]["unread"], &ready["d"]["badge"]), (&json!({ sockets.room.to_string(): 1 }), &json!(1)));
    assert!(ready["d"]["reconnect_at"].as_i64().unwrap() > NOON.seconds());
}

fn knows(id: UserId, friends: Vec<UserId>) -> Person {
    Person {
        id,
        version: 1,
        username: format!("name{id}"),
        display_name: None,
        locale: Locale::Ko,
        privacy: Privacy::default(),
        is_active: true,
        friends,
        blocked: Vec::new(),
    }
}

#[tokio::test]
async fn hello_and_state_name_the_friends_who_are_online() {
    let sockets = Sockets::new().await;
    let mongo = sockets.stores.mongo();
    for person in [knows(MINJI, vec![JUNHO]), knows(JUNHO, vec![MINJI])] {
        mongo.people().project(&person).await.unwrap();
    }
    for user in [JUNHO, STRANGER] {
        mongo.presence().greet(user, NOON).await.unwrap();
        let before = mongo.presence().list(&[user]).await.unwrap()[0];
        assert!(mongo.presence().announce(&before, true, NOON).await.unwrap());
    }
    let online = json!({ "online": [JUNHO], "more": false });

    assert_eq!(sockets.ask("minji", "hello", &json!({ "v": 1 })).await["d"]["presence"], online);
    assert_eq!(sockets.ask("minji", "state", &json!({ "active": true })).await["d"]["presence"], online);
    assert_eq!(sockets.ask("stranger", "hello", &json!({ "v": 1 })).await["d"]["presence"]["online"], json!([]));
}

#[tokio::test]
async fn hello_of_who_is_not_known_to_be_online_is_queued() {
    let mut sockets = Sockets::new().await;
    let queue = Arc::new(RecordedQueue::default());
    let Messenger { announcer, .. } = sockets.app.messenger.clone();
    sockets.app.messenger.announcer = announcer.with_presence(Some(queue.clone()));
    let mongo = sockets.stores.mongo();

    sockets.ask("minji", "hello", &json!({ "v": 1 })).await;
    let jobs = queue.all();
    assert_eq!((jobs.len(), jobs[0].delay), (1, Duration::from_secs(1)));
    let body: Value = serde_json::from_str(&jobs[0].body).unwrap();
    assert_eq!(body, json!({ "v": 1, "users": [MINJI], "again": 0 }));
    let before = mongo.presence().list(&[MINJI]).await.unwrap()[0];
    assert!(mongo.presence().announce(&before, true, NOON).await.unwrap());

    sockets.ask("minji", "hello", &json!({ "v": 1 })).await;
    assert_eq!(queue.sends(), 1, "a reconnection queues nobody");
    queue.go_away();
    assert_eq!(sockets.ask("junho", "hello", &json!({ "v": 1 })).await["t"], "ready");
    assert_eq!(mongo.presence().list_due(NOON, 10).await.unwrap(), [JUNHO], "the sweep makes up for it");
}

#[tokio::test]
async fn hello_of_another_version_is_refused() {
    let sockets = Sockets::new().await;
    let answer = sockets.ask("minji", "hello", &json!({ "v": 2 })).await;
    assert_eq!(refusal(&answer), ("unsupported_version", false));
}

#[tokio::test]
async fn refusals_speak_the_language_of_hello() {
    let sockets = Sockets::new().await;
    sockets.ask("minji", "hello", &json!({ "v": 1, "lang": "ko" })).await;

    let answer = sockets.ask("minji", "fly", &json!({})).await;

    assert_eq!(answer["d"]["message"], "존재하지 않는 동작입니다.");
}

#[tokio::test]
async fn sent_message_is_acknowledged_and_pushed_to_other_connections() {
    let sockets = Sockets::new().await;

    let ack = sockets.send("minji", "안녕").await;

    assert_eq!((&ack["seq"], &ack["rev"], &ack["dup"]), (&json!(1), &json!(1), &json!(false)));
    assert_eq!(ack["message"]["content"], "안녕");
    let (connection, frame) = sockets.stores.pushes.next();
    assert_eq!((&*connection, &frame["t"], &frame["d"]["id"]), ("junho", &json!("message.created"), &ack["id"]));
    assert!(sockets.stores.pushes.all().is_empty());
}

#[tokio::test]
async fn retried_send_is_a_duplicate() {
    let sockets = Sockets::new().await;
    let first = sockets.send("minji", "안녕").await;

    let retry = sockets.send("minji", "안녕").await;

    assert_eq!((&retry["id"], &retry["dup"]), (&first["id"], &json!(true)));
}

#[tokio::test]
async fn author_edits_and_deletes_a_message() {
    let sockets = Sockets::new().await;
    let sent = sockets.send("minji", "안뇽").await;

    let edited = sockets.ask("minji", "edit", &json!({ "id": sent["id"], "content": "안녕" })).await;
    let deleted = sockets.ask("minji", "delete", &json!({ "id": sent["id"] })).await;

    assert_eq!(edited["d"]["message"]["content"], "안녕");
    assert_eq!(deleted["d"]["message"]["is_deleted"], true);
    let kinds = [(); 3].map(|()| sockets.stores.pushes.next().1["t"].clone());
    assert_eq!(kinds, ["message.created", "message.updated", "message.deleted"]);
}

#[tokio::test]
async fn reaction_is_acknowledged_and_its_count_pushed() {
    let sockets = Sockets::new().await;
    let sent = sockets.send("minji", "안녕").await;
    sockets.stores.pushes.next();

    let there = sockets.ask("junho", "react", &json!({ "id": sent["id"], "emoji": "👍" })).await;
    let pushed = sockets.stores.pushes.next();
    let gone = sockets.ask("junho", "react", &json!({ "id": sent["id"], "emoji": "👍", "remove": true })).await;

    assert_eq!((&there["t"], &there["d"]["dup"]), (&json!("ack"), &json!(false)));
    assert_eq!(there["d"]["message"]["reactions"], json!([{ "emoji": "👍", "count": 1, "mine": true }]));
    assert_eq!((&*pushed.0, &pushed.1["t"]), ("minji", &json!("reaction.changed")));
    assert_eq!(pushed.1["d"]["reactions"], json!([{ "emoji": "👍", "count": 1 }]));
    assert_eq!((&pushed.1["rev"], &pushed.1["room"]), (&there["d"]["rev"], &json!(sockets.room)));
    assert_eq!(gone["d"]["message"]["reactions"], json!([]));
    assert_eq!(sockets.stores.pushes.next().1["d"]["reactions"], json!([]));
}

#[tokio::test]
async fn reaction_with_no_emoji_is_refused() {
    let sockets = Sockets::new().await;
    let sent = sockets.send("minji", "안녕").await;

    for emoji in ["", "a", "가", "👍👍", "$id"] {
        let answer = sockets.ask("junho", "react", &json!({ "id": sent["id"], "emoji": emoji })).await;
        assert_eq!(refusal(&answer), ("invalid_fields", false), "{emoji}");
        assert_eq!(answer["d"]["errors"][0]["field"], "emoji");
    }
    let hidden = sockets.ask("stranger", "react", &json!({ "id": sent["id"], "emoji": "👍" })).await;
    assert_eq!(refusal(&hidden), ("message_not_found", false));
}

#[tokio::test]
async fn other_members_may_not_change_a_message() {
    let sockets = Sockets::new().await;
    let sent = sockets.send("minji", "안녕").await;

    for (action, details) in
        [("edit", json!({ "id": sent["id"], "content": "바꿈" })), ("delete", json!({ "id": sent["id"] }))]
    {
        assert_eq!(refusal(&sockets.ask("junho", action, &details).await), ("not_author", false));
        assert_eq!(refusal(&sockets.ask("stranger", action, &details).await), ("message_not_found", false));
    }
}

#[tokio::test]
async fn read_moves_the_cursor_and_tells_the_other_person() {
    let sockets = Sockets::new().await;
    sockets.send("minji", "안녕").await;
    sockets.stores.pushes.next();

    let ack = sockets.ask("junho", "read", &json!({ "room": sockets.room, "seq": 1 })).await;

    assert_eq!((&ack["t"], &ack["d"]), (&json!("ack"), &json!({ "read_seq": 1, "unread_count": 0 })));
    let (connection, frame) = sockets.stores.pushes.next();
    assert_eq!((&*connection, &frame["t"]), ("minji", &json!("receipt.read")));
}

#[tokio::test]
async fn sync_answers_changes_after_a_cursor() {
    let sockets = Sockets::new().await;
    sockets.send("minji", "하나").await;
    sockets.send("minji", "둘").await;

    // A release is known to a majority a moment later: clients ask again while `cursor < head`.
    let page = loop {
        let page = sockets.ask("junho", "sync", &json!({ "room": sockets.room, "after_rev": 1 })).await;
        if page["d"]["cursor"] == page["d"]["head"] {
            break page;
        }
    };

    assert_eq!((&page["t"], &page["d"]["head"]), (&json!("sync"), &json!(2)));
    assert_eq!(page["d"]["items"][0]["content"], "둘");
}

#[tokio::test]
async fn ping_is_answered() {
    let sockets = Sockets::new().await;
    let pong = json!({ "t": "pong", "re": "7", "d": { "gaps": [], "gone": [], "more": false } });
    assert_eq!(sockets.tell("minji", r#"{"action":"ping","id":"7"}"#).await, pong);
}

#[tokio::test]
async fn ping_finds_the_last_frame_that_was_lost() {
    let sockets = Sockets::new().await;
    let room = sockets.room.to_string();
    sockets.stores.pushes.fail(&["junho"]);
    let lost = sockets.send("minji", "안녕").await;
    assert!(sockets.stores.pushes.frames("junho").is_empty());
    sockets.stores.pushes.fail(&[]);

    for (cursor, gaps) in [(json!(0), json!([room])), (lost["rev"].clone(), json!([]))] {
        let pong = sockets.ask("junho", "ping", &json!({ "cursors": { &room: cursor } })).await;
        assert_eq!((&pong["t"], &pong["d"]), (&json!("pong"), &json!({ "gaps": gaps, "gone": [], "more": false })));
    }
    let stranger = sockets.ask("stranger", "ping", &json!({ "cursors": { &room: 0 } })).await;
    assert_eq!((&stranger["d"]["gaps"], &stranger["d"]["gone"]), (&json!([]), &json!([room])));
}

#[tokio::test]
async fn frame_of_a_one_way_route_is_answered_only_if_it_has_an_id() {
    let sockets = Sockets::new().await;
    sockets.send("minji", "안녕").await;
    let room = &sockets.room;

    for (action, details, answer) in [
        ("read", json!({ "room": room, "seq": 1 }), "ack"),
        ("delivered", json!({ "room": room, "seq": 1 }), "ack"),
        ("typing", json!({ "room": room, "on": true }), "ack"),
        ("state", json!({ "active": true, "room": room }), "ack"),
        ("ping", json!({}), "pong"),
        ("read", json!({ "room": "private:99", "seq": 1 }), "error"),
        ("typing", json!({ "room": room }), "error"),
    ] {
        assert_eq!(sockets.say("junho", action, &details).await, Value::Null, "{action} {details}");
        assert_eq!(sockets.ask("junho", action, &details).await["t"], answer, "{action} {details}");
    }
}

#[tokio::test]
async fn ping_without_id_tells_what_it_finds_and_else_nothing() {
    let sockets = Sockets::new().await;
    let room = sockets.room.to_string();
    let sent = sockets.send("minji", "안녕").await;
    sockets.stores.pushes.all();

    let found = sockets.say("junho", "ping", &json!({ "cursors": { &room: 0, "group:9": 0 } })).await;
    let nothing = sockets.say("junho", "ping", &json!({ "cursors": { &room: sent["rev"] }, "user_rev": 0 })).await;

    let gaps = json!({ "rooms": [room], "gone": ["group:9"], "more": false });
    assert_eq!((&found["t"], &found["re"], &found["d"]), (&json!("gaps"), &Value::Null, &gaps));
    assert_eq!(nothing, Value::Null);
}

#[tokio::test]
async fn ping_names_at_most_fifty_rooms() {
    let sockets = Sockets::new().await;
    let ping = |number: i32| {
        let cursors: serde_json::Map<_, _> = (1..=number).map(|n| (format!("group:{n}"), json!(0))).collect();
        json!({ "cursors": cursors })
    };

    assert_eq!(sockets.ask("minji", "ping", &ping(50)).await["d"]["gone"].as_array().unwrap().len(), 50);
    let refused = sockets.ask("minji", "ping", &ping(51)).await;

    assert_eq!(
        (refusal(&refused), &refused["d"]["errors"][0]["field"]),
        (("invalid_fields", false), &json!("cursors"))
    );
}

#[tokio::test]
async fn answer_to_a_connection_that_has_gone_forgets_it() {
    let sockets = Sockets::new().await;
    sockets.stores.connect(MINJI, SessionId::from_bytes([1; 16]), "gone").await;

    assert_eq!(sockets.tell("gone", r#"{"action":"ping","id":"1"}"#).await, Value::Null);

    assert_eq!(sockets.stores.connections(MINJI).await, ["minji"]);
}

#[tokio::test]
async fn frames_say_whether_somebody_is_there_and_what_is_open() {
    let sockets = Sockets::new().await;
    let room = json!(sockets.room);
    let sent = sockets.send("minji", "안녕").await;
    let (acted, viewing) = (NOON.plus(ACTIVE_FOR), Some(sockets.room));

    for (action, details, active_until, viewing) in [
        ("sync", json!({ "room": room, "after_rev": 0 }), NOON, None),
        ("ping", json!({ "cursors": { sockets.room.to_string(): 0 } }), NOON, None),
        ("delivered", json!({ "room": room, "seq": 1 }), NOON, None),
        ("hello", json!({ "v": 1, "active": false }), NOON, None),
        ("hello", json!({ "v": 1 }), acted, None),
        ("typing", json!({ "room": room, "on": true }), acted, None),
        ("react", json!({ "id": sent["id"], "emoji": "👍" }), acted, None),
        ("edit", json!({ "id": sent["id"], "content": "x" }), acted, None),
        ("delete", json!({ "id": sent["id"] }), acted, None),
        ("send", json!({ "room": room, "client_id": "c", "content": "x" }), acted, viewing),
        ("read", json!({ "room": room, "seq": 1 }), acted, viewing),
        ("state", json!({ "active": true, "room": room }), acted, viewing),
        ("state", json!({ "active": true }), acted, None),
        ("state", json!({ "active": false, "room": room }), NOON, viewing),
    ] {
        let connections = sockets.stores.mongo().connections();
        let fresh = connections.list_of_people(&[JUNHO], NOON).await.unwrap().remove(0);
        connections.insert(&Connection { active_until: NOON, viewing: None, ..fresh }).await.unwrap();
        sockets.say("junho", action, &details).await;
        let row = sockets.row_once(JUNHO, |row| (row.active_until, row.viewing) == (active_until, viewing)).await;
        assert_eq!((row.active_until, row.viewing), (active_until, viewing), "{action} {details}");
    }
}

#[tokio::test]
async fn ping_names_a_user_rev_that_is_ahead() {
    let sockets = Sockets::new().await;
    let person = Person {
        id: MINJI,
        version: 7,
        username: "minji".to_owned(),
        display_name: None,
        locale: Locale::Ko,
        privacy: Privacy::default(),
        is_active: true,
        friends: Vec::new(),
        blocked: Vec::new(),
    };
    sockets.stores.mongo().people().project(&person).await.unwrap();

    for (seen, ahead) in [(6, json!(7)), (7, Value::Null)] {
        let pong = sockets.ask("minji", "ping", &json!({ "user_rev": seen })).await;
        assert_eq!(pong["d"]["user_rev"], ahead, "{seen}");
    }
    assert_eq!(sockets.ask("junho", "ping", &json!({ "user_rev": 0 })).await["d"]["user_rev"], Value::Null);
}

#[tokio::test]
async fn frames_look_at_no_more_than_they_need() {
    let sockets = Sockets::new().await;
    let room = sockets.room.to_string();
    sockets.stores.mongo().gates().is_ended(MINJI, &SessionId::from_bytes([1; 16])).await.unwrap();
    let mut profile = sockets.stores.profile().await;
    let send = json!({ "room": room, "client_id": "c", "content": "안녕" });

    for (action, details, commands) in [
        ("ping", json!({}), 1),
        ("state", json!({ "active": true }), 2),
        ("typing", json!({ "room": room, "on": true }), 2),
        ("typing", json!({ "room": room, "on": true }), 1),
        ("delivered", json!({ "room": room, "seq": 1 }), 3),
        ("read", json!({ "room": room, "seq": 1 }), 4),
        ("ping", json!({ "cursors": { &room: 0 } }), 2),
        ("ping", json!({ "cursors": { &room: 0 }, "user_rev": 0 }), 3),
        ("hello", json!({ "v": 1, "cursors": { &room: 0 } }), 7),
        // The frame, the gate and the earlier request; reserve, write, release and the recipients; the note of the push.
        ("send", send, 8),
        ("read", json!({ "room": room, "seq": 1 }), 5),
        ("sync", json!({ "room": room, "after_rev": 0 }), 2),
        ("fly", json!({}), 1),
    ] {
        sockets.ask("minji", action, &details).await;
        assert_eq!(profile.count().await, commands, "{action} {details}");
    }
}

#[tokio::test]
async fn id_that_is_no_short_string_is_refused_and_not_repeated() {
    let sockets = Sockets::new().await;

    for (id, reason) in [(json!(7), "wrong_type"), (json!("x".repeat(65)), "too_long")] {
        let answer = sockets.tell("minji", &json!({ "action": "ping", "id": id }).to_string()).await;
        assert_eq!((refusal(&answer), &answer["re"]), (("invalid_fields", false), &Value::Null));
        assert_eq!(
            (&answer["d"]["errors"][0]["field"], &answer["d"]["errors"][0]["code"]),
            (&json!("id"), &json!(reason))
        );
    }
}

#[tokio::test]
async fn state_that_is_asked_for_costs_as_much_as_hello() {
    let mut sockets = Sockets::new().await;
    sockets.app.limits = limits_of(6, 1);
    let state = json!({ "active": true });

    assert_eq!(sockets.ask("minji", "state", &state).await["t"], "ack");
    assert_eq!(sockets.say("minji", "state", &state).await, Value::Null, "nobody asked");
    assert_eq!(refusal(&sockets.ask("minji", "state", &state).await), ("rate_limited", false));
    assert_eq!(refusal(&sockets.ask("minji", "ping", &json!({})).await), ("rate_limited", false));
}

#[tokio::test]
async fn frame_limit_is_shared_by_a_persons_connections() {
    let mut sockets = Sockets::new().await;
    sockets.app.limits = limits_of(8, 1);
    sockets.stores.connect(MINJI, SessionId::from_bytes([1; 16]), "tablet").await;
    assert_eq!(sockets.ask("minji", "hello", &json!({ "v": 1 })).await["t"], "ready");
    assert_eq!(sockets.ask("minji", "sync", &json!({ "room": sockets.room, "after_rev": 0 })).await["t"], "sync");
    assert_eq!(sockets.ask("tablet", "ping", &json!({})).await["t"], "pong");

    assert_eq!(refusal(&sockets.ask("tablet", "ping", &json!({})).await), ("rate_limited", false));
    assert_eq!(sockets.ask("junho", "ping", &json!({})).await["t"], "pong");
}

#[tokio::test]
async fn strangers_learn_nothing_of_a_room() {
    let sockets = Sockets::new().await;
    sockets.send("minji", "안녕").await;
    let room = &sockets.room;

    for (action, details) in [
        ("send", json!({ "room": room, "client_id": "c", "content": "안녕" })),
        ("read", json!({ "room": room, "seq": 1 })),
        ("sync", json!({ "room": room, "after_rev": 0 })),
    ] {
        assert_eq!(refusal(&sockets.ask("stranger", action, &details).await), ("room_not_found", false), "{action}");
    }
    let ready = sockets.ask("stranger", "hello", &json!({ "v": 1, "cursors": { room.to_string(): 0 } })).await;
    assert_eq!((&ready["d"]["gaps"], &ready["d"]["unread"]), (&json!([]), &json!({})));
}

#[tokio::test]
async fn nobody_writes_across_a_block() {
    let sockets = Sockets::new().await;
    sockets.stores.project_block([MINJI, JUNHO]).await;
    let message = json!({ "room": sockets.room, "client_id": "c", "content": "안녕" });

    for connection in ["minji", "junho"] {
        let answer = sockets.ask(connection, "send", &message).await;
        assert_eq!(refusal(&answer), ("recipient_unavailable", false));
    }
}

#[tokio::test]
async fn bad_frames_are_refused_and_the_connection_stays() {
    let sockets = Sockets::new().await;

    for text in ["", "ping", "[]", r#"{"action":"ping","x":1}"#] {
        assert_eq!(refusal(&sockets.tell("minji", text).await), ("malformed_frame", false), "{text}");
    }
    let blank = json!({ "room": sockets.room, "client_id": "c", "content": " " });
    let answer = sockets.ask("minji", "send", &blank).await;
    assert_eq!((refusal(&answer), &answer["d"]["errors"][0]["field"]), (("invalid_fields", false), &json!("content")));
    assert_eq!(sockets.stores.connections(MINJI).await, ["minji"]);
}

#[tokio::test]
async fn unknown_connection_is_told_and_closed() {
    let sockets = Sockets::new().await;

    let answer = sockets.ask("nobody", "ping", &json!({})).await;

    assert_eq!(refusal(&answer), ("connection_unknown", true));
    let (connection, frame) = sockets.stores.pushes.next();
    assert_eq!((&*connection, &frame["d"]["code"]), ("nobody", &json!("connection_unknown")));
    assert_eq!(sockets.stores.pushes.next(), ("nobody".to_owned(), Value::Null));
}

#[tokio::test]
async fn connection_that_floods_waits_first_and_ends_then() {
    let mut sockets = Sockets::new().await;
    sockets.app.limits = limits_of(2, 1);

    let mut answers = Vec::new();
    loop {
        let answer = sockets.ask("minji", "ping", &json!({})).await;
        let is_over = answer["d"]["fatal"] == true;
        answers.push(answer);
        if is_over {
            break;
        }
    }

    assert!(answers[..2].iter().all(|answer| answer["t"] == "pong"));
    assert!(answers[2..].iter().all(|answer| refusal(answer).0 == "rate_limited"));
    assert!(answers[2]["d"]["retry_after_ms"].as_i64().unwrap() > 0);
    assert_eq!(sockets.stores.connections(MINJI).await, [""; 0]);
}

#[tokio::test]
async fn unavailable_store_is_told() {
    let mut sockets = Sockets::new().await;
    sockets.app.messenger.mongo =
        Mongo::connect("mongodb://127.0.0.1:1/none?serverSelectionTimeoutMS=50").await.unwrap();

    let answer = sockets.ask("minji", "ping", &json!({})).await;

    assert_eq!(refusal(&answer), ("unavailable", false));
}

#[tokio::test]
async fn typing_is_told_to_the_other_person_where_they_are_there() {
    let sockets = Sockets::new().await;
    let typing = json!({ "room": sockets.room, "on": true });
    sockets.stores.connect(MINJI, SessionId::from_bytes([1; 16]), "tablet").await;

    assert_eq!(sockets.say("minji", "typing", &typing).await, Value::Null);
    sockets.say("minji", "typing", &typing).await;
    sockets.say("minji", "typing", &json!({ "room": sockets.room, "on": false })).await;

    let told = [(); 2].map(|()| sockets.stores.pushes.next());
    for ((connection, frame), on) in told.iter().zip([true, false]) {
        assert_eq!((&**connection, &frame["t"], &frame["room"]), ("junho", &json!("typing"), &json!(sockets.room)));
        assert_eq!(frame["d"], json!({ "user_id": MINJI, "on": on }));
    }
    assert!(sockets.stores.pushes.all().is_empty());

    sockets.say("junho", "state", &json!({ "active": false })).await;
    sockets.row_once(JUNHO, |row| !row.is_active(NOON)).await;
    sockets.say("tablet", "typing", &typing).await;
    assert!(sockets.stores.pushes.all().is_empty(), "nobody sees a tab in the background");
}

#[tokio::test]
async fn typing_of_a_stranger_or_across_a_block_is_silence() {
    let sockets = Sockets::new().await;
    let typing = json!({ "room": sockets.room, "on": true });

    assert_eq!(sockets.ask("stranger", "typing", &typing).await["t"], "ack");
    sockets.stores.project_block([MINJI, JUNHO]).await;
    for connection in ["minji", "junho"] {
        assert_eq!(sockets.ask(connection, "typing", &typing).await["t"], "ack");
    }

    assert!(sockets.stores.pushes.all().is_empty());
}

#[tokio::test]
async fn typing_that_is_switched_off_is_told_to_nobody() {
    let mut sockets = Sockets::new().await;
    sockets.app.typing = false;

    assert_eq!(sockets.ask("junho", "hello", &json!({ "v": 1 })).await["d"]["typing"], false);
    assert_eq!(sockets.ask("minji", "typing", &json!({ "room": sockets.room, "on": true })).await["t"], "ack");

    assert!(sockets.stores.pushes.all().is_empty());
}

#[tokio::test]
async fn arrival_is_told_to_the_author() {
    let sockets = Sockets::new().await;
    sockets.send("minji", "안녕").await;
    sockets.stores.pushes.all();

    sockets.say("junho", "delivered", &json!({ "room": sockets.room, "seq": 1 })).await;

    let (connection, frame) = sockets.stores.pushes.next();
    assert_eq!((&*connection, &frame["t"]), ("minji", &json!("receipt.delivered")));
    assert_eq!(frame["d"], json!({ "user_id": JUNHO, "delivered_seq": 1 }));
    assert!(sockets.stores.pushes.all().is_empty());
}

#[tokio::test]
async fn answer_brings_what_its_author_has_read() {
    let sockets = Sockets::new().await;
    sockets.send("minji", "안녕").await;
    sockets.stores.pushes.all();

    let answer = json!({ "room": sockets.room, "client_id": "c", "content": "네", "read_seq": 1 });
    assert_eq!(sockets.ask("junho", "send", &answer).await["t"], "ack");

    let (connection, frame) = sockets.stores.pushes.next();
    assert_eq!((&*connection, &frame["t"], &frame["d"]["read_seq"]), ("minji", &json!("message.created"), &json!(1)));
    assert!(sockets.stores.pushes.all().is_empty(), "no receipt beside it");
    assert_eq!(sockets.ask("junho", "hello", &json!({ "v": 1 })).await["d"]["unread"], json!({}));
}
