//! Invalid access tokens.

use crate::{rights, scene::Scene};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use credentials::Purpose;
use e2e::{Person, Socket, TestStack, journey, with_ticket};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use mongo::Mongo;
use serde_json::{Value, json};
use std::time::Duration;

const ANOTHER_KEY: &str = "another key, which has more than 32 bytes";

#[test]
fn forged_tokens_are_refused_on_every_guarded_route() {
    journey(async |stack| {
        let scene = Scene::set(stack).await;
        // The same claims under the right key are accepted, so only the forged part is refused.
        let honest = sign(Algorithm::HS256, &claims(&scene.author), stack.secret_key());
        scene.author.api.with_token(honest).call("POST", "/auth/ticket", None).await.with(201);

        let mut wrong = Vec::new();
        for (name, token) in forgeries(&scene.author, stack.secret_key()) {
            let api = stack.api().with_token(token);
            for row in guarded(&scene) {
                let answer = api.call(row.method, &row.path, row.body.as_ref()).await;
                if answer.refusal() != (401, "unauthenticated".to_owned()) {
                    wrong.push(format!("{name}: {} {}: {}", row.method, row.route, answer.text));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn expired_tokens_are_refused_on_every_guarded_route() {
    journey(async |stack| {
        let scene = Scene::set(stack).await;
        let mut late = claims(&scene.author);
        late["exp"] = json!(late["iat"].as_i64().unwrap_or_default() - 1);
        let api = stack.api().with_token(sign(Algorithm::HS256, &late, stack.secret_key()));

        for row in guarded(&scene) {
            let answer = api.call(row.method, &row.path, row.body.as_ref()).await;
            assert_eq!(answer.refusal(), (401, "token_expired".to_owned()), "{} {}", row.method, row.route);
            assert_eq!(answer.header("www-authenticate"), r#"Bearer error="invalid_token""#);
        }
    });
}

#[test]
fn revoked_session_is_refused_everywhere() {
    journey(async |stack| {
        let scene = Scene::set(stack).await;
        let (url, ticket) = scene.author.ticket().await;
        revoke(stack, &scene.author).await;

        for row in guarded(&scene) {
            let answer = scene.author.api.call(row.method, &row.path, row.body.as_ref()).await;
            assert_eq!(answer.refusal(), (401, "unauthenticated".to_owned()), "{} {}", row.method, row.route);
        }
        assert_eq!(Socket::upgrade(&with_ticket(&url, &ticket), &[]).await.err(), Some(401));
        // Another login of the same person has another session.
        scene.author.login().await.api.get(&format!("/messages/{}", scene.room)).await.with(200);
    });
}

#[test]
fn failed_logins_answer_alike() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        let email = minji.account["email"].as_str().unwrap();
        let mut answers = Vec::new();
        for (email, password) in [(email, "wrong password"), ("nobody@example.com", e2e::PASSWORD), ("no address", "x")]
        {
            let answer = stack.api().post("/auth/login", &json!({"email": email, "password": password})).await;
            assert_eq!(answer.refusal(), (401, "invalid_credentials".to_owned()));
            let id = answer.json()["request_id"].as_str().unwrap().to_owned();
            answers.push(answer.text.replace(&id, ""));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
    });
}

#[test]
fn the_password_form_of_oauth_logs_in_as_json_does() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        let form = [("username", minji.account["email"].as_str().unwrap()), ("password", e2e::PASSWORD)];

        let request = stack.api().request("POST", "/auth/login").form(&form);
        let tokens = e2e::Api::send(request).await.with(200);

        assert_eq!(tokens["token_type"], "bearer");
        let api = stack.api().with_token(tokens["access_token"].as_str().unwrap());
        api.call("POST", "/auth/ticket", None).await.with(201);
    });
}

/// The routes that need a token, as the author requests them.
fn guarded(scene: &Scene) -> impl Iterator<Item = rights::Row> {
    rights::routes(&scene.aim_of(&scene.author)).into_iter().filter(rights::Row::is_guarded)
}

/// Tokens that differ from a valid one in one way each.
fn forgeries(person: &Person, key: &str) -> Vec<(&'static str, String)> {
    let claims = claims(person);
    let with = |name: &str, value: Value| {
        let mut forged = claims.clone();
        forged[name] = value;
        sign(Algorithm::HS256, &forged, key)
    };
    let without = |name: &str| {
        let mut forged = claims.clone();
        forged.as_object_mut().map(|claims| claims.remove(name));
        sign(Algorithm::HS256, &forged, key)
    };
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = |alg: &str| format!("{}.{}.", part(&json!({"alg": alg, "typ": "JWT"})), part(&claims));
    let (signed, signature) = person.token.rsplit_once('.').unwrap_or_default();
    vec![
        ("no algorithm", unsigned("none")),
        ("no algorithm, in capitals", unsigned("NONE")),
        ("no signature", format!("{signed}.")),
        ("another key", sign(Algorithm::HS256, &claims, ANOTHER_KEY)),
        ("the secret itself", {
            let key = EncodingKey::from_secret(key.as_bytes());
            encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap_or_default()
        }),
        ("one of the future", with("iat", json!(claims["iat"].as_i64().unwrap_or_default() + 600))),
        ("another algorithm", sign(Algorithm::HS512, &claims, key)),
        ("another audience", with("aud", json!("another-api"))),
        ("two audiences", with("aud", json!(["bigtech-chat-api", "another-api"]))),
        ("another issuer", with("iss", json!("someone"))),
        (
            "another person",
            format!("{}.{}.{signature}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(&json!({"sub": "1"}))),
        ),
        ("no person", without("sub")),
        ("no session", without("sid")),
        ("no end", without("exp")),
        ("garbage", "garbage".to_owned()),
        ("a ticket", "dGhpcyBpcyBubyB0b2tlbiBidXQgYSB0aWNrZXQgb2Yg".to_owned()),
        ("too much", "a".repeat(5_000)),
    ]
}

fn sign(algorithm: Algorithm, claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(&Purpose::AccessTokens.key(secret));
    encode(&Header::new(algorithm), claims, &key).unwrap_or_else(|error| unreachable!("{error}"))
}

fn claims(person: &Person) -> Value {
    let payload = person.token.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    serde_json::from_slice(&payload.unwrap_or_default()).unwrap_or_default()
}

/// The first step of a logout.
async fn revoke(stack: &TestStack, person: &Person) {
    let session = domain::SessionId(claims(person)["sid"].as_str().unwrap_or_default().to_owned());
    let user = domain::UserId(i32::try_from(person.id).unwrap_or_default());
    let until = boot::clock().now().plus(Duration::from_mins(15));
    let mongo = Mongo::connect(stack.mongo_url()).await;
    let revoked = async { mongo?.gates().end_sessions(user, &[session], until).await }.await;
    assert!(revoked.is_ok(), "{revoked:?}");
}
