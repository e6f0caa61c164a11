//! Friends see who is online.

use e2e::{Socket, journey};
use serde_json::{Value, json};

/// What the next frame about a person says of them.
async fn told(socket: &Socket, user: i64) -> Value {
    let of = |frame: &Value| {
        let people = frame["d"]["people"].as_array().cloned().unwrap_or_default();
        people.into_iter().find(|person| person["user_id"] == user)
    };
    let frame = socket.push_where(|frame| frame["t"] == "presence.changed" && of(frame).is_some()).await;
    of(&frame).unwrap_or_default()
}

#[test]
fn friends_see_who_comes_and_who_hides() {
    journey(async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
        minji.make_friends(&junho).await;
        let (minjis, junhos) = (minji.socket().await, junho.socket().await);
        minjis.ask("hello", json!({"v": 1})).await;

        junhos.ask("hello", json!({"v": 1})).await;

        assert_eq!(told(&minjis, junho.id).await["online"], true);
        assert_eq!(minji.api.get("/friends").await.with(200)["items"][0]["is_online"], true);
        let state = minjis.ask("state", json!({"active": true})).await;
        assert_eq!(state["d"]["presence"], json!({"online": [junho.id], "more": false}));
        let profile = format!("/users/{}", junho.id);
        assert_eq!(minji.api.get(&profile).await.with(200)["is_online"], true);

        junho.api.put("/users/me", &json!({"presence_visibility": "nobody"})).await.with(200);

        assert_eq!(told(&minjis, junho.id).await["online"], false);
        let hidden = minji.api.get(&profile).await.with(200);
        assert_eq!((&hidden["is_online"], &hidden["last_seen_at"]), (&json!(false), &Value::Null));
        assert_eq!(junho.api.get("/friends").await.with(200)["items"][0]["is_online"], false, "who hides sees nobody");
    });
}
