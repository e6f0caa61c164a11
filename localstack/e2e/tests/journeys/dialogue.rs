//! Who learns of typing and receipts and who does not, and devices that keep to the rules by themselves.

use client::Live;
use e2e::{Person, Socket, TestStack, group_name, journey, room_name};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// How long two devices may take for what their rules make them do.
const PATIENCE: Duration = Duration::from_secs(20);

/// Two people with a room, and a connection of each.
struct Pair {
    minji: Person,
    junho: Person,
    room: String,
    minjis: Socket,
    junhos: Socket,
}

async fn pair(stack: &TestStack) -> (Pair, i64) {
    let (minji, junho, room) = stack.pair().await;
    let (minjis, junhos) = (minji.socket().await, junho.socket().await);
    (Pair { minji, junho, room: room_name(room), minjis, junhos }, room)
}

/// Whether a connection has been pushed a frame of a type.
async fn has_heard(socket: &Socket, frame_type: &str) -> bool {
    socket.pushes().await.iter().any(|frame| frame["t"] == frame_type)
}

/// Says again and again who types, as apps do: what does not arrive in its moment is not told later.
async fn types_until_told(typist: &Socket, room: &str, reader: &Socket) -> Option<Value> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        assert_eq!(typist.ask("typing", json!({"room": room, "on": true})).await["t"], "ack");
        // Sooner than after 3 s it would be dropped.
        tokio::time::sleep(Duration::from_millis(3100)).await;
        if let Some(typing) = reader.pushes().await.into_iter().find(|frame| frame["t"] == "typing") {
            return Some(typing);
        }
    }
    None
}

#[test]
fn nobody_types_across_a_block_or_from_outside() {
    journey(async |stack| {
        let (Pair { minji, junho, room, minjis, junhos }, _) = pair(stack).await;
        let stranger = stack.register("suji").await.socket().await;
        assert_eq!(stranger.ask("typing", json!({"room": room, "on": true})).await["t"], "ack");
        junho.block(&minji).await;
        assert_eq!(minjis.ask("typing", json!({"room": room, "on": true})).await["t"], "ack");
        assert!(!has_heard(&junhos, "typing").await);
    });
}

#[test]
fn typing_in_a_group_is_seen_by_those_who_look_at_it() {
    journey(async |stack| {
        let (minji, junho, suji) =
            tokio::join!(stack.register("minji"), stack.register("junho"), stack.register("suji"));
        minji.make_friends(&junho).await;
        minji.make_friends(&suji).await;
        let group = minji.make_group(&json!({"name": "등산 모임", "members": [junho.id, suji.id]})).await;
        let room = group_name(group);
        let (minjis, junhos, sujis) = (minji.socket().await, junho.socket().await, suji.socket().await);
        assert_eq!(junhos.ask("state", json!({"active": true, "room": room})).await["t"], "ack");

        let typing = types_until_told(&minjis, &room, &junhos).await;

        assert_eq!(typing.map(|frame| frame["d"]["user_id"].clone()), Some(json!(minji.id)));
        assert!(!has_heard(&sujis, "typing").await);
    });
}

#[test]
fn user_who_hides_receipts_sends_and_gets_none() {
    journey(async |stack| {
        let (Pair { minji, junho, room, minjis, junhos }, id) = pair(stack).await;
        junho.api.put("/users/me", &json!({"read_receipts": false})).await.with(200);
        let sent = minji.say(id, "안녕").await;
        let answer = junho.say(id, "응").await;

        assert_eq!(junhos.ask("read", json!({"room": room, "seq": sent["seq"]})).await["t"], "ack");
        assert_eq!(minjis.ask("read", json!({"room": room, "seq": answer["seq"]})).await["t"], "ack");

        assert!(!has_heard(&minjis, "receipt.read").await);
        assert!(!has_heard(&junhos, "receipt.read").await);
    });
}

/// Lets two devices keep to the rules until one of them has what is wanted.
async fn run_until(devices: [&mut Live; 2], wanted: impl Fn(&Live, &Live) -> bool) {
    let [one, other] = devices;
    let begun = Instant::now();
    while !wanted(one, other) {
        assert!(begun.elapsed() < PATIENCE, "{:?} and {:?}", one.frames(), other.frames());
        let step = Duration::from_millis(50);
        let (first, second) = tokio::join!(one.run(step), other.run(step));
        assert!(first.and(second).is_ok(), "a device is disconnected");
    }
}

fn has(device: &Live, frame_type: &str) -> bool {
    device.frames().iter().any(|frame| frame["t"] == frame_type)
}

#[test]
fn devices_that_keep_to_the_rules_read_and_type() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let name = room_name(room);
        let (mut minjis, mut junhos) = (minji.live(1), junho.live(2));
        for (device, peer) in [(&mut minjis, junho.id), (&mut junhos, minji.id)] {
            let (rules, now) = device.device();
            rules.enter(&name, 0);
            rules.focus(now);
            rules.open(&name, Some(peer), now);
        }
        run_until([&mut minjis, &mut junhos], |one, other| has(one, "ready") && has(other, "ready")).await;

        let (rules, now) = minjis.device();
        rules.message(&name, "hello", "안녕", now);
        run_until([&mut minjis, &mut junhos], |one, _| has(one, "receipt.read")).await;

        let (rules, now) = junhos.device();
        rules.typed(now);
        run_until([&mut minjis, &mut junhos], |one, _| has(one, "typing")).await;
        let (rules, now) = minjis.device();
        assert_eq!(rules.typists(&name, now), [junho.id]);

        minjis.drop_connection();
        junho.say(room, "들려요?").await;
        run_until([&mut minjis, &mut junhos], |one, _| {
            one.frames().iter().filter(|frame| frame["t"] == "ready").count() == 2
        })
        .await;
        let (rules, _) = minjis.device();
        assert!(rules.cursor(&name).is_some_and(|cursor| cursor.at() > 0));
    });
}
