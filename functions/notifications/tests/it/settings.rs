use crate::{Desk, JUNHO, MINJI, PHONE, STRANGER, fcm, field, refused};
use serde_json::{Value, json};

const SETTINGS: &str = "/notifications/settings";

fn settings() -> Value {
    json!({
        "level": "mentions", "large_room_level": "none", "preview": "sender",
        "paused_until": "2026-11-27T00:00:00.000Z",
        "quiet": { "from": "22:00", "to": "07:00", "days": [1, 5], "time_zone": "Asia/Seoul" },
        "friend_requests": false, "wide": false,
    })
}

#[tokio::test]
async fn everybody_has_the_defaults_until_they_set_something() {
    let desk = Desk::new().await;

    let defaults = desk.get(MINJI, SETTINGS).await.parts();
    let changed = desk.put(MINJI, SETTINGS, &settings()).await.parts();

    let expected = json!({
        "level": "all", "large_room_level": "mentions", "preview": "full", "paused_until": null, "quiet": null,
        "friend_requests": true, "wide": true,
    });
    assert_eq!(defaults, (200, expected.clone()));
    assert_eq!(changed, (200, settings()));
    assert_eq!(desk.get(MINJI, SETTINGS).await.json(), settings());
    assert_eq!(desk.get(JUNHO, SETTINGS).await.json(), expected, "somebody else's are their own");
}

#[tokio::test]
async fn settings_are_replaced_as_a_whole() {
    let desk = Desk::new().await;
    desk.put(MINJI, SETTINGS, &settings()).await;
    let mut without = settings();
    without.as_object_mut().unwrap().retain(|name, _| name != "quiet" && name != "paused_until");

    let answer = desk.put(MINJI, SETTINGS, &without).await.json();

    assert_eq!((&answer["quiet"], &answer["paused_until"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn bad_settings_are_refused_by_their_field() {
    let desk = Desk::new().await;
    for (path, value, name, code) in [
        ("/level", json!("some"), "level", "wrong_type"),
        ("/paused_until", json!("tomorrow"), "paused_until", "bad_format"),
        ("/quiet/from", json!("7:00"), "quiet.from", "bad_format"),
        ("/quiet/to", json!("22:00"), "quiet.to", "contradiction"),
        ("/quiet/days", json!([]), "quiet.days", "too_short"),
        ("/quiet/days", json!([8]), "quiet.days", "out_of_range"),
        ("/quiet/time_zone", json!("Asia/Atlantis"), "quiet.time_zone", "not_found"),
        ("/wide", Value::Null, "wide", "wrong_type"),
    ] {
        let mut wrong = settings();
        *wrong.pointer_mut(path).unwrap() = value;
        let answer = desk.put(MINJI, SETTINGS, &wrong).await;
        assert_eq!(field(&answer), (name.to_owned(), code.to_owned()), "{wrong}");
    }
    assert_eq!(field(&desk.put(MINJI, SETTINGS, &json!({})).await).1, "required");
    assert_eq!(desk.get(MINJI, SETTINGS).await.json()["level"], "all");
}

#[tokio::test]
async fn room_is_as_everywhere_until_a_member_says_otherwise() {
    let desk = Desk::new().await;
    let (room, id) = (desk.in_room(), desk.room.id);
    let everywhere = json!({ "room_id": id, "room_type": "private", "level": null, "muted_until": null, "wide": null });
    let muted = json!({
        "room_id": id, "room_type": "private", "level": "mentions", "muted_until": "2026-11-27T00:00:00.000Z", "wide": false,
    });
    let wish = json!({ "level": "mentions", "muted_until": "2026-11-27T09:00:00+09:00", "wide": false });

    assert_eq!(desk.get(MINJI, &room).await.parts(), (200, everywhere.clone()));
    assert_eq!(desk.put(MINJI, &room, &wish).await.parts(), (200, muted.clone()));
    assert_eq!(desk.get(MINJI, &room).await.json(), muted);
    assert_eq!(desk.get(MINJI, "/notifications/rooms").await.json(), json!({ "items": [muted], "next_cursor": null }));
    assert_eq!(desk.get(JUNHO, &room).await.json(), everywhere, "nobody else's changes");
    for _ in 0..2 {
        assert_eq!(desk.delete(MINJI, &room).await.status, 204);
    }
    assert_eq!(desk.get(MINJI, &room).await.json(), everywhere);
    assert_eq!(desk.get(MINJI, "/notifications/rooms").await.json()["items"], json!([]));
}

#[tokio::test]
async fn room_of_others_answers_like_an_unknown_one() {
    let desk = Desk::new().await;
    let theirs = desk.in_room();
    for path in [&theirs, "/notifications/rooms/group/1", "/notifications/rooms/dm/1", "/notifications/rooms/private/x"]
    {
        for answer in [
            desk.get(STRANGER, path).await,
            desk.put(STRANGER, path, &json!({})).await,
            desk.delete(STRANGER, path).await,
        ] {
            assert_eq!(answer.refusal(), refused(404, "room_not_found"), "{path}");
        }
    }
}

#[tokio::test]
async fn changes_have_a_limit_of_their_own() {
    let desk = Desk::new().await.with(|app| app.limits = testkit::limits_of(2, 1));
    for _ in 0..2 {
        assert_eq!(desk.put(MINJI, SETTINGS, &settings()).await.status, 200);
    }
    for answer in [
        desk.put(MINJI, SETTINGS, &settings()).await,
        desk.put(MINJI, PHONE, &fcm("t")).await,
        desk.put(MINJI, &desk.in_room(), &json!({})).await,
    ] {
        assert_eq!(answer.refusal(), refused(429, "rate_limited"));
    }
    assert_eq!(desk.delete(MINJI, &desk.in_room()).await.status, 204, "that of other changes is another one");
    assert_eq!(desk.put(JUNHO, SETTINGS, &settings()).await.status, 200);
}
