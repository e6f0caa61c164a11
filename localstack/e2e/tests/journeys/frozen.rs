//! Environments are frozen between invocations, and their connections die meanwhile.

use e2e::{journey_in, room_name};
use gateway::Rules;
use serde_json::json;
use stack::Options;

#[test]
fn connections_that_died_in_the_freeze_cost_no_request_and_no_push() {
    journey_in(Options::for_test().without_limits(), async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let (sender, receiver) = (minji.socket().await, junho.socket().await);
        stack.faults().everywhere(Rules { cut_frozen: 1.0, ..Rules::default() });

        for round in 0..8 {
            let (by_http, by_socket) = (format!("{round} by HTTP"), format!("{round} by socket"));
            minji.say(room, &by_http).await;
            receiver.push_where(|frame| frame["d"]["content"] == by_http.as_str()).await;
            let send = json!({"room": room_name(room), "client_id": by_socket.replace(' ', "-"), "content": by_socket});
            assert_eq!(sender.ask("send", send).await["t"], "ack", "round {round}");
            receiver.push_where(|frame| frame["d"]["content"] == by_socket.as_str()).await;

            junho.list(room).await;
            let (account, friends) = tokio::join!(junho.api.get("/users/me"), junho.api.get("/friends"));
            assert_eq!((account.status, friends.status), (200, 200), "round {round}");
            junho.login().await.logout().await;
            assert_eq!(minji.room_with(&junho).await, room);
        }

        assert!(stack.faults().connections_cut() > 8, "{}", stack.faults().connections_cut());
    });
}
