//! How often one may do what costs.

use e2e::{Answer, House, Person, journey_in, room_name};
use serde_json::{Value, json};
use stack::Options;
use std::time::Duration;
use tokio::time::timeout;

/// How long the longest pause here lasts, with patience.
const PAUSE: Duration = Duration::from_secs(20);

fn limited() -> (u16, String) {
    (429, "rate_limited".to_owned())
}

/// Asks until it is too often; answers how often it was not, and the refusal.
async fn exhaust(request: impl AsyncFn(usize) -> Answer) -> (usize, Answer) {
    for number in 0..1_000 {
        let answer = request(number).await;
        if answer.status == 429 {
            assert_eq!(answer.refusal(), limited());
            assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{answer:?}");
            return (number, answer);
        }
    }
    unreachable!("nothing is ever too often")
}

/// Asks until it is not too often any more, as `Retry-After` invites to.
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
fn whoever_sends_too_much_waits_and_goes_on() {
    journey_in(Options::for_test(), async |house| {
        let (minji, junho, room) = house.pair().await;
        let mut socket = minji.socket().await;

        let (sent, refused) = exhaust(async |number| minji.say_as(room, &number.to_string(), "again").await).await;

        assert!(sent >= 20, "{sent}");
        assert_eq!(refused.header("retry-after"), "1");
        // What is there already costs nothing; another person is not held up.
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
fn duplicates_cost_nothing() {
    journey_in(Options::for_test(), async |house| {
        let (minji, _, room) = house.pair().await;
        minji.say_as(room, "first", "hello").await.with(201);

        for _ in 0..100 {
            minji.say_as(room, "first", "hello").await.with(200);
        }

        for number in 1..20 {
            minji.say_as(room, &number.to_string(), "hello").await.with(201);
        }
    });
}

#[test]
fn whoever_looks_for_people_asks_them_or_connects_too_often_waits() {
    journey_in(Options::for_test(), async |house| {
        let (minji, junho) = tokio::join!(house.register("minji"), house.register("junho"));
        let search = async |_| minji.api.get("/users/search?q=junho").await;
        let ask = async |_| minji.api.post("/friends/request", &json!({"user_id": junho.id})).await;
        let ticket = async |_| minji.api.call("POST", "/auth/ticket", None).await;

        let (searches, ..) = exhaust(search).await;
        let (asked, ..) = exhaust(ask).await;
        let (tickets, ..) = exhaust(ticket).await;

        assert!(searches >= 30 && asked >= 30 && tickets >= 30, "{searches} {asked} {tickets}");
        // Each person has limits of their own, and other routes have none.
        junho.api.get("/users/search?q=minji").await.with(200);
        minji.api.get("/friends").await.with(200);
        go_on(async || search(0).await).await.with(200);
    });
}

#[test]
fn from_one_address_one_logs_in_registers_and_refreshes_no_more_than_sixty_times_a_minute() {
    journey_in(Options::for_test(), async |house| {
        let minji = house.register("minji").await;
        let nobody = house.api();
        let login = async |_| nobody.post("/auth/login", &json!({"email": "nobody", "password": "x"})).await;
        let refresh = async |_| nobody.post("/auth/refresh", &json!({"refresh_token": "none"})).await;
        let taken = json!({"email": minji.account["email"], "username": "someone", "password": e2e::PASSWORD});
        let register = async |_| nobody.post("/auth/register", &taken).await;

        // Each for itself; the journey itself has registered and logged in once.
        for (times, _) in [exhaust(login).await, exhaust(refresh).await, exhaust(register).await] {
            assert!(times >= 59, "{times}");
        }

        minji.api.get("/users/me").await.with(200);
        assert_eq!(go_on(async || login(0).await).await.refusal(), (401, "invalid_credentials".to_owned()));
    });
}

#[test]
fn who_guesses_passwords_waits_longer_and_longer_whether_the_account_exists_or_not() {
    journey_in(Options::for_test(), async |house| {
        let minji = house.register("minji").await;
        let email = minji.account["email"].as_str().unwrap();

        let known = guess(house, email).await;
        let unknown = guess(house, "nobody@example.com").await;

        assert_eq!(known, unknown);
        // The right password has to wait as well, or guessing would go on.
        let login = async || house.api().post("/auth/login", &json!({"email": email, "password": e2e::PASSWORD})).await;
        let waiting = async {
            loop {
                exhaust(async |_| guess_once(house, email).await).await;
                let answer = login().await;
                // The pause may be over by now.
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

/// Every different answer to wrong passwords until one has to wait, without what is new in each.
async fn guess(house: &House, email: &str) -> Vec<(u16, Value)> {
    let mut answers = Vec::new();
    while answers.last().is_none_or(|(status, _)| *status != 429) {
        let answer = guess_once(house, email).await;
        let mut body = answer.json();
        body["request_id"].take();
        answers.push((answer.status, body));
    }
    assert!(answers.len() > 5, "{answers:?}");
    answers.dedup();
    answers
}

async fn guess_once(house: &House, email: &str) -> Answer {
    house.api().post("/auth/login", &json!({"email": email, "password": "a wrong password"})).await
}

#[test]
fn whoever_guesses_a_current_password_waits() {
    journey_in(Options::for_test(), async |house| {
        let minji: Person = house.register("minji").await;
        let change = json!({"current_password": "a wrong password", "new_password": "battery horse correct"});

        let (wrong, _) = exhaust(async |_| minji.api.put("/auth/password", &change).await).await;

        assert!(wrong >= 5, "{wrong}");
        let right = json!({"current_password": e2e::PASSWORD, "new_password": "battery horse correct"});
        assert_eq!(go_on(async || minji.api.put("/auth/password", &right).await).await.status, 204);
    });
}

#[test]
fn a_connection_that_floods_is_told_to_wait_and_then_closed() {
    journey_in(Options::for_test(), async |house| {
        let mut socket = house.register("minji").await.socket().await;

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
