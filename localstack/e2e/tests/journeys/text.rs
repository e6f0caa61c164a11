//! Text as people write it.

use e2e::{journey, room_name};
use serde_json::json;

/// 홍길동, as macOS and some keyboards spell it, and as everyone stores it.
const DECOMPOSED: &str = "\u{1112}\u{1169}\u{11bc}\u{1100}\u{1175}\u{11af}\u{1103}\u{1169}\u{11bc}";
const COMPOSED: &str = "홍길동";

#[test]
fn a_decomposed_hangul_name_is_stored_composed_and_is_the_same_name() {
    journey(async |house| {
        let someone = house.register("someone").await;
        let suffix = someone.account["username"].as_str().unwrap().replace("someone", "");
        let account = |name: &str, email: &str| {
            json!({
                "email": format!("{email}{suffix}@example.com"), "username": format!("{name}{suffix}"),
                "display_name": name, "password": format!("{name}의 긴 비밀번호"),
            })
        };

        let registered = house.api().post("/auth/register", &account(DECOMPOSED, "a")).await.with(201);

        assert_eq!(registered["username"], format!("{COMPOSED}{suffix}"));
        assert_eq!(registered["display_name"], COMPOSED);
        let again = house.api().post("/auth/register", &account(COMPOSED, "b")).await;
        assert_eq!(again.refusal(), (409, "username_taken".to_owned()));
        for name in [COMPOSED, DECOMPOSED] {
            let password = account(name, "a")["password"].clone();
            let login = json!({"email": format!("a{suffix}@example.com"), "password": password});
            house.api().post("/auth/login", &login).await.with(200);
        }
    });
}

#[test]
fn an_address_and_a_username_are_one_whatever_their_case_or_width() {
    journey(async |house| {
        let minji = house.register("minji").await;
        let (email, username) = (minji.account["email"].as_str().unwrap(), minji.account["username"].as_str().unwrap());
        let register = async |email: &str, username: &str| {
            let body = json!({"email": email, "username": username, "password": e2e::PASSWORD});
            house.api().post("/auth/register", &body).await.refusal().1
        };

        assert_eq!(register(&email.to_uppercase(), "someone-else").await, "email_taken");
        let other = format!("x{email}");
        assert_eq!(register(&other, &username.to_uppercase()).await, "username_taken");
        assert_eq!(register(&other, &username.replace("minji", "ｍｉｎｊｉ")).await, "username_taken");
        let login = json!({"email": email.to_uppercase(), "password": e2e::PASSWORD});
        house.api().post("/auth/login", &login).await.with(200);
    });
}

#[test]
fn a_decomposed_message_is_stored_composed_and_is_the_same_message() {
    journey(async |house| {
        let (minji, junho, room) = house.pair().await;
        let mut socket = minji.socket().await;

        let sent = minji.say_as(room, "hong", DECOMPOSED).await.with(201);

        assert_eq!(sent["content"], COMPOSED);
        assert_eq!(junho.list(room).await["items"][0]["content"], COMPOSED);
        assert_eq!(minji.say_as(room, "hong", COMPOSED).await.with(200), sent);
        let frame = json!({"room": room_name(room), "client_id": "hong", "content": DECOMPOSED});
        assert_eq!(socket.ask("send", frame).await["d"]["message"], sent);
    });
}

#[test]
fn what_a_message_may_not_hold_is_refused_through_both_doors_with_the_same_reason() {
    journey(async |house| {
        let (minji, junho, room) = house.pair().await;
        let mut socket = minji.socket().await;
        let five_thousand_and_one = "가".repeat(5_001);
        let seventeen_kilobytes = "👩‍👩‍👧‍👦".repeat(700);
        for (content, reason) in [
            ("", "blank"),
            (" \n\t\u{3000}", "blank"),
            ("a\u{0}b", "control_character"),
            ("a\u{7f}", "control_character"),
            ("a\r\nb", "control_character"),
            ("\u{85}", "control_character"),
            (&five_thousand_and_one, "too_long"),
            (&seventeen_kilobytes, "too_long"),
        ] {
            let over_http = minji.say_as(room, "1", content).await.with(422);
            let frame = json!({"room": room_name(room), "client_id": "1", "content": content});
            let over_socket = socket.ask("send", frame).await;
            assert_eq!(over_http["errors"][0]["code"], reason, "{content:?}");
            assert_eq!(over_http["errors"], over_socket["d"]["errors"], "{content:?}");
        }
        assert_eq!(junho.list(room).await["items"], json!([]));
    });
}

#[test]
fn what_a_message_may_hold_comes_back_as_it_was() {
    journey(async |house| {
        let (minji, junho, room) = house.pair().await;
        let mut socket = junho.socket().await;
        let long = "가".repeat(5_000);
        for content in ["줄\n바꿈\t탭", "👩‍👩‍👧‍👦", "\"\\/<script>", " 앞뒤 ", "$where", "\u{202e}abc", &long]
        {
            let sent = minji.say(room, content).await;
            assert_eq!(sent["content"], content);
            assert_eq!(socket.push().await["d"], sent);
        }
        let contents: Vec<_> =
            junho.list(room).await["items"].as_array().unwrap().iter().map(|it| it["content"].clone()).collect();
        assert_eq!((contents.len(), &contents[6]), (7, &json!(long)));
    });
}

#[test]
fn a_client_id_is_visible_ascii() {
    journey(async |house| {
        let (minji, _, room) = house.pair().await;
        let long = "a".repeat(65);
        for (client_id, reason) in
            [("", "blank"), ("a b", "forbidden_character"), ("가", "forbidden_character"), (&long, "too_long")]
        {
            let refused = minji.say_as(room, client_id, "hi").await.with(422);
            assert_eq!(refused["errors"][0]["field"], "client_id");
            assert_eq!(refused["errors"][0]["code"], reason, "{client_id:?}");
        }
    });
}

#[test]
fn what_no_client_may_send_is_refused() {
    journey(async |house| {
        let (minji, _, room) = house.pair().await;
        for kind in ["system", "image", "file"] {
            let body = json!({"room_id": room, "room_type": "private", "content": "hi", "message_type": kind});
            let refused = minji.api.post("/messages", &body).await.with(422);
            assert_eq!(refused["errors"][0]["field"], "message_type", "{kind}");
            assert_eq!(refused["errors"][0]["code"], "unsupported", "{kind}");
        }
    });
}
