//! Hidden data answer exactly like unknown data.

use e2e::{Answer, journey, room_name};
use serde_json::{Value, json};

/// The id of no room, person or friendship.
const UNKNOWN: i64 = 2_000_000_000;
const UNKNOWN_MESSAGE: &str = "000000000000000000000000";

#[test]
fn every_route_hides_the_room_from_strangers() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let message = minji.say(room, "private").await["id"].as_str().unwrap().to_owned();
        let stranger = stack.register("stranger").await;
        // The same request of a member is answered.
        for (method, path, body) in routes(room, &message) {
            let is_authors = matches!(method, "PUT" | "DELETE");
            let allowed = if is_authors { &minji } else { &junho }.api.call(method, &path, body.as_ref()).await;
            assert!(allowed.status < 300, "{method} {path}: {}", allowed.text);
        }

        for (known, unknown) in routes(room, &message).into_iter().zip(routes(UNKNOWN, UNKNOWN_MESSAGE)) {
            let (method, path, body) = known;
            let hidden = stranger.api.call(method, &path, body.as_ref()).await;
            let absent = stranger.api.call(method, &unknown.1, unknown.2.as_ref()).await;

            assert_eq!(hidden.status, 404, "{method} {path}: {}", hidden.text);
            assert_eq!(bytes(&hidden), bytes(&absent), "{method} {path}");
            assert_eq!(headers(&hidden), headers(&absent), "{method} {path}");
        }
    });
}

#[test]
fn every_action_hides_the_room_from_strangers() {
    journey(async |stack| {
        let (minji, _, room) = stack.pair().await;
        let message = minji.say(room, "private").await["id"].as_str().unwrap().to_owned();
        let socket = stack.register("stranger").await.socket().await;

        for (known, unknown) in actions(room, &message).into_iter().zip(actions(UNKNOWN, UNKNOWN_MESSAGE)) {
            let hidden = socket.ask(known.0, known.1).await;
            let absent = socket.ask(unknown.0, unknown.1).await;

            assert_eq!(hidden["t"], "error", "{}: {hidden}", known.0);
            assert_eq!(anonymous(hidden), anonymous(absent), "{}", known.0);
        }
        let ready = socket.ask("hello", json!({"v": 1, "cursors": {room_name(room): 0}})).await;
        assert_eq!((&ready["d"]["gaps"], &ready["d"]["gone"]), (&json!([]), &json!([room_name(room)])));
    });
}

#[test]
fn other_peoples_data_answers_like_unknown_data() {
    journey(async |stack| {
        let (minji, junho, _) = stack.pair().await;
        let (request, stranger) = (minji.befriend(&junho).await, stack.register("stranger").await);
        let unknown = UNKNOWN;
        for (method, known, unknown) in [
            ("PUT", format!("/friends/{request}/accept"), format!("/friends/{unknown}/accept")),
            ("PUT", format!("/friends/{request}/reject"), format!("/friends/{unknown}/reject")),
            ("DELETE", format!("/friends/{request}"), format!("/friends/{unknown}")),
            ("DELETE", format!("/auth/sessions/{}", minji.session()), format!("/auth/sessions/{}", "0".repeat(32))),
        ] {
            let hidden = stranger.api.call(method, &known, None).await;
            let absent = stranger.api.call(method, &unknown, None).await;

            assert_eq!(hidden.status, 404, "{method} {known}: {}", hidden.text);
            assert_eq!((bytes(&hidden), headers(&hidden)), (bytes(&absent), headers(&absent)), "{method} {known}");
        }
        minji.api.get("/users/me").await.with(200);
        junho.api.call("PUT", &format!("/friends/{request}/accept"), None).await.with(200);
    });
}

#[test]
fn blocker_answers_like_an_unknown_person() {
    journey(async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
        minji.block(&junho).await;
        let requests = |person: i64| {
            [
                ("GET", format!("/users/{person}"), None),
                ("POST", "/friends/request".to_owned(), Some(json!({"user_id": person}))),
                ("POST", "/chat-rooms".to_owned(), Some(json!({"participant_id": person}))),
            ]
        };
        for ((method, known, body), (_, unknown, nobody)) in requests(minji.id).into_iter().zip(requests(UNKNOWN)) {
            let hidden = junho.api.call(method, &known, body.as_ref()).await;
            let absent = junho.api.call(method, &unknown, nobody.as_ref()).await;

            assert_eq!(hidden.refusal(), (404, "user_not_found".to_owned()), "{method} {known}");
            assert_eq!((bytes(&hidden), headers(&hidden)), (bytes(&absent), headers(&absent)), "{method} {known}");
        }
    });
}

#[test]
fn private_room_id_is_unknown_as_a_group() {
    journey(async |stack| {
        let (minji, _, room) = stack.pair().await;
        minji.say(room, "private").await;

        let as_group = minji.api.get(&format!("/messages/{room}?room_type=group")).await;

        assert_eq!(as_group.refusal(), (404, "room_not_found".to_owned()));
    });
}

#[test]
fn reply_to_a_message_of_another_room_is_refused() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let stranger = stack.register("stranger").await;
        let elsewhere = stranger.room_with(&junho).await;
        let secret = junho.say(elsewhere, "secret").await;
        let reply = async |to: &Value| {
            let body = json!({"room_id": room, "room_type": "private", "content": "re", "reply_to": to});
            minji.api.post("/messages", &body).await
        };

        let (hidden, absent) = (reply(&secret["id"]).await, reply(&json!(UNKNOWN_MESSAGE)).await);

        assert_eq!(hidden.refusal(), (422, "invalid_fields".to_owned()));
        assert_eq!(bytes(&hidden), bytes(&absent));
        let own = minji.say(room, "to be answered").await;
        assert_eq!(reply(&own["id"]).await.with(201)["reply_to"], own["id"]);
    });
}

#[test]
fn unknown_people_are_not_found() {
    journey(async |stack| {
        let minji = stack.register("minji").await;

        let nobody = minji.api.post("/chat-rooms", &json!({"participant_id": UNKNOWN})).await;

        assert_eq!(nobody.refusal(), (404, "user_not_found".to_owned()));
    });
}

fn routes(room: i64, message: &str) -> Vec<(&'static str, String, Option<Value>)> {
    let send = json!({"room_id": room, "room_type": "private", "content": "hi"});
    let reply = json!({"room_id": room, "room_type": "private", "content": "hi", "reply_to": message});
    vec![
        ("GET", format!("/chat-rooms/{room}"), None),
        ("GET", format!("/messages/{room}"), None),
        ("GET", format!("/messages/{room}?around=1&limit=1"), None),
        ("GET", format!("/messages/sync?room_id={room}&after_rev=0"), None),
        ("POST", "/messages".to_owned(), Some(send)),
        ("POST", "/messages".to_owned(), Some(reply)),
        ("POST", "/messages/read".to_owned(), Some(json!({"room_id": room, "room_type": "private", "seq": 1}))),
        ("POST", format!("/messages/{message}/forward"), Some(json!({"room_id": room, "room_type": "private"}))),
        ("GET", format!("/messages/{message}/history"), None),
        ("GET", format!("/messages/{message}/replies"), None),
        ("PUT", format!("/messages/{message}/hidden"), None),
        ("PUT", format!("/messages/{message}"), Some(json!({"content": "mine now"}))),
        ("PUT", format!("/messages/{message}/reactions"), Some(json!({"emoji": "👍"}))),
        ("GET", format!("/messages/{message}/reactions"), None),
        ("DELETE", format!("/messages/{message}/reactions?emoji=%F0%9F%91%8D"), None),
        ("PUT", format!("/messages/{message}/pin"), None),
        ("DELETE", format!("/messages/{message}/pin"), None),
        ("GET", format!("/messages/pins?room_id={room}"), None),
        ("GET", format!("/messages/search?q=hi&room_id={room}"), None),
        ("DELETE", format!("/messages/{message}"), None),
    ]
}

fn actions(room: i64, message: &str) -> Vec<(&'static str, Value)> {
    let room = room_name(room);
    vec![
        ("send", json!({"room": room, "client_id": "1", "content": "hi"})),
        ("send", json!({"room": room, "client_id": "2", "content": "hi", "reply_to": message})),
        ("edit", json!({"id": message, "content": "mine now"})),
        ("delete", json!({"id": message})),
        ("react", json!({"id": message, "emoji": "👍"})),
        ("read", json!({"room": room, "seq": 1})),
        ("sync", json!({"room": room, "after_rev": 0})),
    ]
}

/// The body without the request id.
fn bytes(answer: &Answer) -> String {
    let id = answer.json()["request_id"].as_str().unwrap_or_default().to_owned();
    assert!(!id.is_empty(), "{}", answer.text);
    answer.text.replace(&id, "")
}

fn headers(answer: &Answer) -> Vec<(String, String)> {
    let told = answer.headers.iter().map(|(name, value)| (name.to_string(), format!("{value:?}")));
    // One read in ten is counted, whatever it asks for.
    let new = ["x-request-id", "apigw-requestid", "date", "ratelimit"];
    let mut told: Vec<_> = told.filter(|(name, _)| !new.contains(&name.as_str())).collect();
    told.sort();
    told
}

fn anonymous(mut frame: Value) -> Value {
    frame["re"].take();
    frame["d"]["request_id"].take();
    frame
}
