//! Text: normalization and limits.

use crate::delivery::pushed;
use e2e::{journey, room_name};
use serde_json::json;

/// 홍길동, decomposed as macOS and some keyboards send it, and composed as it is stored.
const DECOMPOSED: &str = "\u{1112}\u{1169}\u{11bc}\u{1100}\u{1175}\u{11af}\u{1103}\u{1169}\u{11bc}";
const COMPOSED: &str = "홍길동";

#[test]
fn decomposed_hangul_names_are_composed_and_equal() {
    journey(async |stack| {
        let someone = stack.register("someone").await;
        let suffix = someone.account["username"].as_str().unwrap().replace("someone", "");
        let account = |name: &str, email: &str| {
            json!({
                "email": format!("{email}{suffix}@example.com"), "username": format!("{name}{suffix}"),
                "display_name": name, "password": format!("{name}의 긴 비밀번호"),
            })
        };

        let registered = stack.api().post("/auth/register", &account(DECOMPOSED, "a")).await.with(201);

        assert_eq!(registered["username"], format!("{COMPOSED}{suffix}"));
        assert_eq!(registered["display_name"], COMPOSED);
        let again = stack.api().post("/auth/register", &account(COMPOSED, "b")).await;
        assert_eq!(again.refusal(), (409, "username_taken".to_owned()));
        for name in [COMPOSED, DECOMPOSED] {
            let password = account(name, "a")["password"].clone();
            let login = json!({"email": format!("a{suffix}@example.com"), "password": password});
            stack.api().post("/auth/login", &login).await.with(200);
        }
    });
}

#[test]
fn addresses_and_usernames_ignore_case_and_width() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        let (email, username) = (minji.account["email"].as_str().unwrap(), minji.account["username"].as_str().unwrap());
        let register = async |email: &str, username: &str| {
            let body = json!({"email": email, "username": username, "password": e2e::PASSWORD});
            stack.api().post("/auth/register", &body).await.refusal().1
        };

        assert_eq!(register(&email.to_uppercase(), "someone-else").await, "email_taken");
        let other = format!("x{email}");
        assert_eq!(register(&other, &username.to_uppercase()).await, "username_taken");
        assert_eq!(register(&other, &username.replace("minji", "ｍｉｎｊｉ")).await, "username_taken");
        assert_eq!(register(&other, &username.replace("minji", "mınjı")).await, "username_taken");
        let login = json!({"email": email.to_uppercase(), "password": e2e::PASSWORD});
        stack.api().post("/auth/login", &login).await.with(200);
    });
}

#[test]
fn decomposed_messages_are_composed_and_equal() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let socket = minji.socket().await;

        let sent = minji.say_as(room, "hong", DECOMPOSED).await.with(201);
        pushed(stack, &sent).await;

        assert_eq!(sent["content"], COMPOSED);
        assert_eq!(junho.list(room).await["items"][0]["content"], COMPOSED);
        assert_eq!(minji.say_as(room, "hong", COMPOSED).await.with(200), sent);
        let frame = json!({"room": room_name(room), "client_id": "hong", "content": DECOMPOSED});
        assert_eq!(socket.ask("send", frame).await["d"]["message"], sent);
    });
}

#[test]
fn invalid_content_is_refused_alike_over_http_and_socket() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let socket = minji.socket().await;
        let five_thousand_and_one = "가".repeat(5_001);
        let seventeen_kilobytes = "👩‍👩‍👧‍👦".repeat(700);
        for (content, reason) in [
            ("", "blank"),
            (" \n\t\u{3000}", "blank"),
            ("a\u{0}b", "control_character"),
            ("a\u{7f}", "control_character"),
            ("\u{3164}\u{200b}", "blank"),
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
fn line_ends_are_line_feeds_and_make_no_other_message() {
    journey(async |stack| {
        let (minji, _, room) = stack.pair().await;
        let socket = minji.socket().await;

        let sent = minji.say_as(room, "lines", "a\r\nb\rc\u{2028}d").await.with(201);
        pushed(stack, &sent).await;

        assert_eq!(sent["content"], "a\nb\nc\nd");
        assert_eq!(minji.say_as(room, "lines", "a\nb\nc\r\nd").await.with(200), sent);
        let edit = json!({"id": sent["id"], "content": "a\nb\r\nc\nd"});
        assert_eq!(socket.ask("edit", edit).await["d"]["message"]["rev"], sent["rev"], "nothing changed");
    });
}

#[test]
fn valid_content_is_returned_unchanged() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let socket = junho.socket().await;
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
    journey(async |stack| {
        let (minji, _, room) = stack.pair().await;
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
fn message_types_without_what_they_need_are_refused() {
    journey(async |stack| {
        let (minji, _, room) = stack.pair().await;
        for (kind, field, reason) in [
            ("system", "message_type", "unsupported"),
            ("image", "attachments", "required"),
            ("file", "attachments", "required"),
            ("video", "attachments", "required"),
            ("voice", "content", "contradiction"),
        ] {
            let body = json!({"room_id": room, "room_type": "private", "content": "hi", "message_type": kind});
            let refused = minji.api.post("/messages", &body).await.with(422);
            assert_eq!(refused["errors"][0]["field"], field, "{kind}");
            assert_eq!(refused["errors"][0]["code"], reason, "{kind}");
        }
    });
}
