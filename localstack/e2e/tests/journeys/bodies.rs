//! Invalid requests: malformed, too large, or of another media type.

use crate::{rights, scene::Scene};
use e2e::{Answer, Api, journey};
use serde_json::{Value, json};

/// Optional fields of these bodies.
const OPTIONAL: [&str; 4] = ["description", "max_uses", "muted_until", "status_message"];

/// The routes with a body, and a valid body for each.
fn routes(scene: &Scene) -> Vec<(&'static str, String, Value)> {
    let rows = rights::routes(&scene.aim_of(&scene.author)).into_iter();
    rows.filter_map(|row| Some((row.method, row.path, row.body?))).collect()
}

fn refused_field(answer: &Answer) -> (u16, String, String, String) {
    let (status, code) = answer.refusal();
    let error = &answer.json()["errors"][0];
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (status, code, text("field"), text("code"))
}

fn field(field: &str, reason: &str) -> (u16, String, String, String) {
    (422, "invalid_fields".to_owned(), field.to_owned(), reason.to_owned())
}

#[test]
fn invalid_json_is_malformed_on_every_route() {
    journey(async |stack| {
        let scene = Scene::set(stack).await;
        for (method, path, _) in routes(&scene) {
            for body in
                ["", "{", "{}{}", "{'a':1}", r#"{"content":"\ud800"}"#, r#"{"x":"\udc00\ud800"}"#, "{\"x\":\"\u{1}\"}"]
            {
                let answer = scene.author.api.raw(method, &path, body).await;
                assert_eq!(answer.refusal(), (400, "malformed_body".to_owned()), "{method} {path} {body:?}");
            }
            let latin = scene.author.api.raw(method, &path, b"{\"content\":\"\xff\"}".to_vec()).await;
            assert_eq!(latin.refusal(), (400, "malformed_body".to_owned()), "{method} {path}");
        }
    });
}

#[test]
fn unknown_fields_are_refused_and_not_repeated_on_every_route() {
    journey(async |stack| {
        let scene = Scene::set(stack).await;
        for (method, path, mut body) in routes(&scene) {
            body["is_admin"] = json!(true);
            let answer = scene.author.api.call(method, &path, Some(&body)).await;
            assert_eq!(refused_field(&answer), field("$", "unknown_field"), "{method} {path}");
        }
        let query = scene.author.api.get(&format!("/messages/{}?page=2", scene.room)).await;
        assert_eq!(refused_field(&query), field("$", "unknown_field"));
    });
}

#[test]
fn a_wrong_type_is_refused_by_name_on_every_route() {
    journey(async |stack| {
        let scene = Scene::set(stack).await;
        for (method, path, body) in routes(&scene) {
            for name in body.as_object().unwrap().keys() {
                let mut wrong = body.clone();
                wrong[name] = if body[name].is_array() { json!(true) } else { json!([]) };
                let answer = scene.author.api.call(method, &path, Some(&wrong)).await;
                assert_eq!(refused_field(&answer), field(name, "wrong_type"), "{method} {path}");
                if OPTIONAL.contains(&name.as_str()) {
                    continue;
                }
                wrong.as_object_mut().unwrap().remove(name);
                let answer = scene.author.api.call(method, &path, Some(&wrong)).await;
                assert_eq!(refused_field(&answer), field(name, "required"), "{method} {path}");
            }
            let array = scene.author.api.raw(method, &path, "[]").await;
            assert_eq!(refused_field(&array), field("$", "wrong_type"), "{method} {path}");
        }
        let query = scene.author.api.get(&format!("/messages/{}?limit=many", scene.room)).await;
        assert_eq!(refused_field(&query), field("limit", "wrong_type"));
        let query = scene.author.api.get(&format!("/messages/{}?limit=101", scene.room)).await;
        assert_eq!(refused_field(&query), field("limit", "out_of_range"));
    });
}

#[test]
fn bodies_over_64_kilobytes_are_refused_on_every_route() {
    journey(async |stack| {
        let scene = Scene::set(stack).await;
        for (method, path, _) in routes(&scene) {
            for size in [64 * 1024 + 1, 1_000_000] {
                // The size is checked before the syntax.
                let answer = scene.author.api.raw(method, &path, "x".repeat(size)).await;
                assert_eq!(answer.refusal(), (413, "body_too_large".to_owned()), "{method} {path} {size}");
            }
            let answer = scene.author.api.raw(method, &path, "x".repeat(64 * 1024)).await;
            assert_eq!(answer.refusal(), (400, "malformed_body".to_owned()), "{method} {path}");
        }
    });
}

#[test]
fn another_media_type_is_refused_on_every_route() {
    journey(async |stack| {
        let scene = Scene::set(stack).await;
        for (method, path, body) in routes(&scene) {
            let request = || scene.author.api.request(method, &path);
            let plain = request().header("content-type", "text/plain").body(body.to_string());
            let unnamed = request().body(body.to_string());
            for request in [plain, unnamed] {
                let answer = Api::send(request).await;
                assert_eq!(answer.refusal(), (415, "unsupported_media_type".to_owned()), "{method} {path}");
            }
        }
    });
}

#[test]
fn every_bad_field_of_a_registration_is_named() {
    journey(async |stack| {
        let body = json!({"email": "no address", "username": "a b", "password": "short", "display_name": "a\u{0}b"});
        let answer = stack.api().post("/auth/register", &body).await.with(422);

        let named: Vec<_> =
            answer["errors"].as_array().unwrap().iter().map(|error| (&error["field"], &error["code"])).collect();
        let expected = [
            ("email", "bad_format"),
            ("username", "forbidden_character"),
            ("password", "too_short"),
            ("display_name", "control_character"),
        ];
        assert_eq!(json!(named), json!(expected));
    });
}

#[test]
fn problem_documents_have_the_callers_language_and_a_stable_code() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        let in_language = async |language: &str| {
            let request = minji.api.request("GET", "/chat-rooms/2000000000");
            Api::send(request.header("accept-language", language)).await
        };
        for (asked, language, detail) in [
            ("ko-KR,ko;q=0.9,en;q=0.8", "ko", "대화방을 찾을 수 없습니다."),
            ("en-GB", "en", "The room was not found."),
            ("fr", "en", "The room was not found."),
        ] {
            let answer = in_language(asked).await;
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(answer.header("content-language"), language);
            let id = answer.header("apigw-requestid");
            let expected = json!({
                "type": "about:blank", "title": "Not Found", "status": 404, "code": "room_not_found",
                "detail": detail, "request_id": id,
            });
            assert_eq!(answer.with(404), expected);
        }
    });
}

#[test]
fn refusals_of_api_gateway_are_its_own_message() {
    journey(async |stack| {
        for (method, path) in [("GET", "/nowhere"), ("DELETE", "/messages"), ("GET", "/"), ("GET", "/chat-rooms/1/2")] {
            let answer = stack.api().call(method, path, None).await;
            assert_eq!(answer.with(404), json!({"message": "Not Found"}), "{method} {path}");
            assert_eq!(answer.header("content-type"), "application/json");
        }
    });
}

#[test]
fn malformed_ids_answer_404() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        for id in ["x", "-1", "0x10", "01", "1.5", "99999999999"] {
            let answer = minji.api.get(&format!("/chat-rooms/{id}")).await;
            assert_eq!(answer.refusal(), (404, "room_not_found".to_owned()), "{id}");
        }
        assert_eq!(minji.api.get("/chat-rooms/%00").await.status, 404);
        for id in ["x", "1", "66F0C3D2A1B2C3D4E5F60718", "66f0c3d2a1b2c3d4e5f6071"] {
            let answer = minji.api.put(&format!("/messages/{id}"), &json!({"content": "hi"})).await;
            assert_eq!(answer.refusal(), (404, "message_not_found".to_owned()), "{id}");
        }
    });
}
