//! Connections that ended without `$disconnect`.

use crate::delivery::pushed;
use domain::{RoomId, RoomKey};
use e2e::{TestStack, journey, journey_in, room_name};
use gateway::{PushRules, Rules};
use mongo::{MOST_CONNECTIONS, Mongo};
use serde_json::json;
use stack::Options;
use std::time::Duration;
use tokio::time::timeout;

#[test]
fn gone_connection_delays_no_send_and_is_forgotten() {
    journey_in(Options::for_test(), async |stack| {
        stack.faults().function("ws-disconnect", Rules { lose_disconnect: 1.0, ..Rules::default() });
        let (minji, junho, room) = stack.pair().await;
        let (gone, alive) = (junho.socket().await, junho.login().await.socket().await);
        assert_eq!(connections(stack, room).await, 2);

        gone.close().await;

        // The gateway may take a moment to notice that the socket has closed, so the first push may still be taken.
        let mut sent = Vec::new();
        while connections(stack, room).await > 1 {
            assert!(sent.len() < 100, "the connection is never forgotten");
            sent.push(minji.say(room, "still there?").await);
        }
        sent.push(minji.say(room, "never mind").await);
        for message in sent {
            assert_eq!(alive.push().await["d"], message);
        }
    });
}

#[test]
fn failed_push_fails_no_send_and_is_healed_by_sync() {
    journey_in(Options::for_test(), async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let socket = junho.socket().await;
        for rules in
            [PushRules { limited: 1.0, ..PushRules::default() }, PushRules { drop: 1.0, ..PushRules::default() }]
        {
            stack.faults().pushes(rules);
            let unheard = minji.say(room, "unheard").await;
            pushed(stack, &unheard).await;
        }
        stack.faults().clear();
        let heard = minji.say(room, "heard").await;

        let pushed = socket.push().await;

        assert_eq!(pushed["d"], heard);
        // A client sees the gap in `rev` and fills it by sync.
        assert!(pushed["rev"].as_i64() > Some(1));
        let (changes, cursor) = junho.catch_up(room, 0).await;
        assert_eq!((changes.len(), Some(cursor)), (3, pushed["rev"].as_i64()));
    });
}

#[test]
fn a_lost_last_frame_is_found_by_ping_alone() {
    journey_in(Options::for_test(), async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let (socket, name) = (junho.socket().await, room_name(room));
        stack.faults().pushes(PushRules { limited: 1.0, ..PushRules::default() });
        let last = minji.say(room, "good night").await;
        pushed(stack, &last).await;
        stack.faults().clear();

        // Nobody says anything more; a release is known to a majority a moment later.
        let found = async {
            loop {
                let pong = socket.ask("ping", json!({"cursors": {&name: 0}})).await;
                if pong["d"]["gaps"] == json!([name]) {
                    break;
                }
            }
        };
        assert!(timeout(Duration::from_secs(20), found).await.is_ok());

        let (changes, cursor) = junho.catch_up(room, 0).await;
        assert_eq!(changes, [last]);
        let pong = socket.ask("ping", json!({"cursors": {&name: cursor}})).await;
        assert_eq!(pong["d"], json!({"gaps": [], "gone": [], "more": false}));
    });
}

#[test]
fn the_oldest_of_too_many_connections_is_told_and_closed() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let oldest = junho.socket().await;
        let mut others = Vec::new();
        for _ in 0..MOST_CONNECTIONS {
            others.push(junho.socket().await);
        }

        let (frames, _) = oldest.ending().await;

        let error = &frames[frames.len() - 1]["d"];
        assert_eq!((&error["code"], &error["fatal"]), (&json!("too_many_connections"), &json!(true)));
        let heard = minji.say(room, "hello").await;
        for socket in others {
            assert_eq!(socket.push().await["d"], heard);
        }
    });
}

#[test]
fn a_disconnect_forgets_the_connection() {
    journey_in(Options::for_test(), async |stack| {
        let (_, junho, room) = stack.pair().await;
        let socket = junho.socket().await;
        assert_eq!(connections(stack, room).await, 1);

        socket.close().await;

        // The event takes a moment; each look is a round trip.
        let forgotten = async { while connections(stack, room).await > 0 {} };
        assert!(timeout(Duration::from_secs(20), forgotten).await.is_ok());
    });
}

/// The number of connections that a message in the room is pushed to.
async fn connections(stack: &TestStack, room: i64) -> usize {
    let room = RoomKey::private(RoomId(i32::try_from(room).unwrap_or_default()));
    let mongo = Mongo::connect(stack.mongo_url()).await;
    let found = async {
        let mongo = mongo?;
        let members = mongo.rooms().list_members(room).await?;
        mongo.connections().list_of_people(&members, boot::clock().now()).await
    }
    .await;
    found.map_or_else(|fault| unreachable!("{fault:?}"), |found| found.len())
}
