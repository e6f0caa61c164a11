//! Connections that ended and never said so.

use domain::{RoomId, RoomKey};
use e2e::{House, journey_in};
use gateway::{PushRules, Rules};
use mongo::Mongo;
use stack::Options;
use std::time::Duration;
use tokio::time::timeout;

#[test]
fn a_connection_that_is_gone_holds_up_no_send_and_is_forgotten() {
    journey_in(Options::for_test(), async |house| {
        house.faults().function("ws-disconnect", Rules { lose_disconnect: 1.0, ..Rules::default() });
        let (minji, junho, room) = house.pair().await;
        let (gone, mut alive) = (junho.socket().await, junho.login().await.socket().await);
        assert_eq!(connections(house, room).await, 2);

        gone.close().await;

        // The gateway may take a moment to notice that the socket has closed, so the first push may still be taken.
        let mut sent = Vec::new();
        while connections(house, room).await > 1 {
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
fn a_push_that_fails_fails_no_send_and_sync_heals_it() {
    journey_in(Options::for_test(), async |house| {
        let (minji, junho, room) = house.pair().await;
        let mut socket = junho.socket().await;
        for rules in
            [PushRules { limited: 1.0, ..PushRules::default() }, PushRules { drop: 1.0, ..PushRules::default() }]
        {
            house.faults().pushes(rules);
            minji.say(room, "unheard").await;
        }
        house.faults().clear();
        let heard = minji.say(room, "heard").await;

        let pushed = socket.push().await;

        assert_eq!(pushed["d"], heard);
        // A client sees the gap in `rev`, and fills it.
        assert!(pushed["rev"].as_i64() > Some(1));
        let (changes, cursor) = junho.catch_up(room, 0).await;
        assert_eq!((changes.len(), Some(cursor)), (3, pushed["rev"].as_i64()));
    });
}

#[test]
fn a_disconnect_forgets_the_connection() {
    journey_in(Options::for_test(), async |house| {
        let (_, junho, room) = house.pair().await;
        let socket = junho.socket().await;
        assert_eq!(connections(house, room).await, 1);

        socket.close().await;

        // The event is on its way; each look is a round trip.
        let forgotten = async { while connections(house, room).await > 0 {} };
        assert!(timeout(Duration::from_secs(20), forgotten).await.is_ok());
    });
}

/// How many connections a message in the room would be pushed to.
async fn connections(house: &House, room: i64) -> usize {
    let room = RoomKey::private(RoomId(i32::try_from(room).unwrap_or_default()));
    let mongo = Mongo::connect(house.mongo_url()).await;
    let found = async { mongo?.list_room_connections(room, boot::clock().now()).await }.await;
    found.map_or_else(|fault| unreachable!("{fault:?}"), |found| found.len())
}
