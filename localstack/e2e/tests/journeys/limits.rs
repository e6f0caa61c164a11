//! Limits.

use e2e::{Answer, Person, TestStack, journey_in, room_name};
use serde_json::{Value, json};
use stack::Options;
use std::time::Duration;
use tokio::time::timeout;

/// The longest pause, with some margin.
const PAUSE: Duration = Duration::from_secs(20);

fn limited() -> (u16, String) {
    (429, "rate_limited".to_owned())
}

/// Repeats a request until it is limited; returns the number of successes, and the refusal.
async fn exhaust(request: impl AsyncFn(usize) -> Answer) -> (usize, Answer) {
    for number in 0..1_000 {
        let answer = request(number).await;
        if answer.status == 429 {
            assert_eq!(answer.refusal(), limited());
            assert!(answer.header("ratelimit").contains(";r="), "{answer:?}");
            assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{answer:?}");
            return (number, answer);
        }
    }
    unreachable!("nothing is ever too often")
}

/// Repeats a request until it is not limited any more.
async fn go_on(request: impl AsyncFn() -> Answer) -> Answer {
    let asking = async {
        loop {
            let answer = request().await;
            if answer.status != 429 {
                break answer;
            }
        }
    };
    timeout(PAUSE, asking).await.unwrap_or_else(|_| unreachable!("it is too often for ever"))
}

#[test]
fn sends_are_limited_and_resume() {
    journey_in(Options::for_test(), async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let socket = minji.socket().await;

        let (sent, refused) = exhaust(async |number| minji.say_as(room, &number.to_string(), "again").await).await;

        assert!(sent >= 20, "{sent}");
        assert_eq!(refused.header("retry-after"), "1");
        // A retry costs nothing, and another person is not limited.
        for number in 0..sent {
            assert_eq!(minji.say_as(room, &number.to_string(), "again").await.status, 200);
        }
        junho.say(room, "calm down").await;
        let frame = json!({"room": room_name(room), "client_id": "frame", "content": "again"});
        let mut frames = Vec::new();
        while frames.last().is_none_or(|frame: &Value| frame["t"] == "ack") {
            let number = frames.len();
            let mut frame = frame.clone();
            frame["client_id"] = json!(format!("frame-{number}"));
            frames.push(socket.ask("send", frame).await);
        }
        let error = &frames[frames.len() - 1]["d"];
        assert_eq!((&error["code"], &error["fatal"]), (&json!("rate_limited"), &json!(false)));
        assert!(error["retry_after_ms"].as_u64().is_some_and(|wait| (1..=500).contains(&wait)), "{error}");

        go_on(async || minji.say_as(room, "later", "sorry").await).await.with(201);
    });
}

#[test]
fn retries_have_a_bucket_of_their_own() {
    journey_in(Options::for_test(), async |stack| {
        let (minji, _, room) = stack.pair().await;
        minji.say_as(room, "first", "hello").await.with(201);

        for _ in 0..50 {
            minji.say_as(room, "first", "hello").await.with(200);
        }

        for number in 1..20 {
            minji.say_as(room, &number.to_string(), "hello").await.with(201);
        }
        exhaust(async |_| minji.say_as(room, "first", "hello").await).await;
    });
}

#[test]
fn searches_requests_and_tickets_are_limited() {
    journey_in(Options::for_test(), async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
        let search = async |_| minji.api.get("/users/search?q=junho").await;
        let ask = async |_| minji.api.post("/friends/request", &json!({"user_id": junho.id})).await;
        let ticket = async |_| minji.api.call("POST", "/auth/ticket", None).await;

        let (searches, ..) = exhaust(search).await;
        let (asked, ..) = exhaust(ask).await;
        let (tickets, ..) = exhaust(ticket).await;

        assert!(searches >= 30 && asked >= 30 && tickets >= 30, "{searches} {asked} {tickets}");
        // Limits count for each person, and other routes have none.
        junho.api.get("/users/search?q=minji").await.with(200);
        minji.api.get("/friends").await.with(200);
        go_on(async || search(0).await).await.with(200);
    });
}

#[test]
fn sign_ins_of_one_ip_address_are_limited() {
    journey_in(Options::for_test(), async |stack| {
        let minji = stack.register("minji").await;
        let nobody = stack.api();
        let login = async |_| nobody.post("/auth/login", &json!({"email": "nobody", "password": "x"})).await;
        let refresh = async |_| nobody.post("/auth/refresh", &json!({"refresh_token": "none"})).await;
        let taken = json!({"email": minji.account["email"], "username": "someone", "password": e2e::PASSWORD});
        let register = async |_| nobody.post("/auth/register", &taken).await;

        // Each route counts for itself; the journey has registered and logged in once.
        for (times, _) in [exhaust(login).await, exhaust(refresh).await, exhaust(register).await] {
            assert!(times >= 59, "{times}");
        }

        minji.api.get("/users/me").await.with(200);
        assert_eq!(go_on(async || login(0).await).await.refusal(), (401, "invalid_credentials".to_owned()));
    });
}

#[test]
fn failed_logins_are_delayed_whether_the_account_exists_or_not() {
    journey_in(Options::for_test(), async |stack| {
        let minji = stack.register("minji").await;
        let email = minji.account["email"].as_str().unwrap();

        let known = guess(stack, email).await;
        let unknown = guess(stack, "nobody@example.com").await;

        assert_eq!(known, unknown);
        // The right password is delayed too, or guessing would continue.
        let login = async || stack.api().post("/auth/login", &json!({"email": email, "password": e2e::PASSWORD})).await;
        let waiting = async {
            loop {
                exhaust(async |_| guess_once(stack, email).await).await;
                let answer = login().await;
                // The delay may have ended by now.
                if answer.status != 200 {
                    break answer;
                }
            }
        };
        let refused = timeout(PAUSE, waiting).await.unwrap_or_else(|_| unreachable!("guessing goes on"));
        assert_eq!(refused.refusal(), limited());
        go_on(login).await.with(200);
    });
}

/// The distinct answers to wrong passwords until one is delayed, without request ids.
async fn guess(stack: &TestStack, email: &str) -> Vec<(u16, Value)> {
    let mut answers = Vec::new();
    while answers.last().is_none_or(|(status, _)| *status != 429) {
        let answer = guess_once(stack, email).await;
        let mut body = answer.json();
        body["request_id"].take();
        answers.push((answer.status, body));
    }
    assert!(answers.len() > 5, "{answers:?}");
    answers.dedup();
    answers
}

async fn guess_once(stack: &TestStack, email: &str) -> Answer {
    stack.api().post("/auth/login", &json!({"email": email, "password": "a wrong password"})).await
}

#[test]
fn wrong_current_passwords_are_delayed() {
    journey_in(Options::for_test(), async |stack| {
        let minji: Person = stack.register("minji").await;
        let change = json!({"current_password": "a wrong password", "new_password": "battery horse correct"});

        let (wrong, _) = exhaust(async |_| minji.api.put("/auth/password", &change).await).await;

        assert!(wrong >= 5, "{wrong}");
        let right = json!({"current_password": e2e::PASSWORD, "new_password": "battery horse correct"});
        assert_eq!(go_on(async || minji.api.put("/auth/password", &right).await).await.status, 204);
    });
}

#[test]
fn flooding_connection_is_rate_limited_then_closed() {
    journey_in(Options::for_test(), async |stack| {
        let socket = stack.register("minji").await.socket().await;

        let mut answers = Vec::new();
        while answers.last().is_none_or(|answer: &Value| answer["d"]["fatal"] != true) {
            assert!(answers.len() < 1_000, "nothing is ever a flood");
            answers.push(socket.ask("ping", json!({})).await);
        }

        let pongs = answers.iter().take_while(|answer| answer["t"] == "pong").count();
        assert!(pongs >= 119, "{pongs}");
        for error in &answers[pongs..] {
            assert!(error["t"] == "pong" || error["d"]["code"] == "rate_limited", "{error}");
        }
        let first = &answers[pongs]["d"];
        assert_eq!(first["fatal"], false);
        assert!(first["retry_after_ms"].as_u64().is_some_and(|wait| wait > 0), "{first}");
        socket.closed().await;
    });
}
