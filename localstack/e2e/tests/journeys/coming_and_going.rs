//! Who is online, as friends see it. Queues are fast: the half minute before somebody counts as offline is a second.

use e2e::{Person, Socket, TestStack, journey_in};
use gateway::Rules;
use serde_json::{Value, json};
use stack::Options;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How many times as fast as the clock queues are.
const SPEED: u32 = 30;

fn quickly(steps: impl AsyncFnOnce(&TestStack)) {
    let mut options = Options::for_test().without_limits();
    options.limits.queue_speed = SPEED;
    journey_in(options, steps);
}

async fn friends(stack: &TestStack) -> (Person, Person) {
    let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
    minji.make_friends(&junho).await;
    (minji, junho)
}

/// Waits until a connection is told that a person is online or not; what it is told.
async fn told(socket: &Socket, person: &Person, online: bool) -> Value {
    let change = |frame: &Value| {
        let people = frame["d"]["people"].as_array();
        people.and_then(|people| people.iter().find(|it| it["user_id"] == person.id && it["online"] == online).cloned())
    };
    let frame = socket.push_where(|frame| frame["t"] == "presence.changed" && change(frame).is_some()).await;
    change(&frame).unwrap_or_default()
}

/// How a person sees their only friend.
async fn seen(person: &Person) -> Value {
    let friends = person.api.get("/friends").await.with(200);
    friends["items"][0].clone()
}

/// Whether a connection was told of anybody's presence within some rounds of the queues.
async fn hears_of_presence(socket: &Socket) -> bool {
    sleep(Duration::from_secs(6)).await;
    socket.pushes().await.iter().any(|frame| frame["t"] == "presence.changed")
}

#[test]
fn friends_see_each_other_come_and_go() {
    quickly(async |stack| {
        let (minji, junho) = friends(stack).await;
        let watching = minji.socket().await;

        let phone = junho.socket().await;
        let came = told(&watching, &junho, true).await;
        assert_eq!((&came["last_seen_at"], &seen(&minji).await["is_online"]), (&Value::Null, &json!(true)));

        let (_, ready) = minji.hello(json!({})).await;
        assert_eq!(ready["presence"], json!({"online": [junho.id], "more": false}));

        phone.close().await;
        let left = told(&watching, &junho, false).await;
        assert!(left["rev"].as_u64() > came["rev"].as_u64(), "{left} after {came}");
        assert!(left["last_seen_at"].is_string());
        let seen = seen(&minji).await;
        assert_eq!((&seen["is_online"], seen["last_seen_at"].is_string()), (&json!(false), true));
    });
}

#[test]
fn a_second_device_keeps_a_person_online() {
    quickly(async |stack| {
        let (minji, junho) = friends(stack).await;
        let watching = minji.socket().await;
        let (phone, laptop) = (junho.socket().await, junho.login().await.socket().await);
        told(&watching, &junho, true).await;

        phone.close().await;

        assert!(!hears_of_presence(&watching).await);
        assert_eq!(seen(&minji).await["is_online"], true);
        laptop.close().await;
        told(&watching, &junho, false).await;
    });
}

#[test]
fn hidden_user_is_offline_and_sees_nobody() {
    quickly(async |stack| {
        let (minji, junho) = friends(stack).await;
        let watching = minji.socket().await;
        let _phone = junho.socket().await;
        told(&watching, &junho, true).await;

        junho.api.put("/users/me", &json!({"presence_visibility": "nobody"})).await.with(200);

        told(&watching, &junho, false).await;
        let hidden = seen(&minji).await;
        assert_eq!((&hidden["is_online"], &hidden["last_seen_at"]), (&json!(false), &Value::Null));
        let (_laptop, ready) = junho.login().await.hello(json!({})).await;
        assert_eq!(ready["presence"]["online"], json!([]));
        assert!(!hears_of_presence(&watching).await);
    });
}

#[test]
fn strangers_and_the_blocked_learn_nothing() {
    quickly(async |stack| {
        let (minji, junho) = friends(stack).await;
        let stranger = stack.register("suji").await;
        let (blocked, strangers) = (minji.socket().await, stranger.socket().await);
        junho.block(&minji).await;
        blocked.pushes().await;

        let phone = junho.socket().await;
        phone.close().await;

        assert!(!hears_of_presence(&blocked).await);
        assert!(!hears_of_presence(&strangers).await);
        let (_, ready) = minji.hello(json!({})).await;
        assert_eq!(ready["presence"]["online"], json!([]));
    });
}

#[test]
fn lost_disconnect_is_found_by_the_next_push() {
    quickly(async |stack| {
        let (minji, junho) = friends(stack).await;
        let room = minji.room_with(&junho).await;
        let watching = minji.socket().await;
        stack.faults().function("ws-disconnect", Rules { lose_disconnect: 1.0, ..Rules::default() });
        let phone = junho.socket().await;
        told(&watching, &junho, true).await;

        phone.close().await;

        let left = async {
            let mut left = std::pin::pin!(told(&watching, &junho, false));
            loop {
                // The gateway may take a moment to notice that the socket has closed.
                minji.say(room, "still there?").await;
                if timeout(Duration::from_secs(1), &mut left).await.is_ok() {
                    break;
                }
            }
        };
        assert!(timeout(Duration::from_secs(30), left).await.is_ok());
    });
}
