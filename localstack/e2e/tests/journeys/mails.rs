//! Mails: an address is confirmed, a forgotten password replaced, an address taken back from a squatter.

use e2e::{Answer, PASSWORD, SentMail, TestStack, journey};
use serde_json::json;

const NEW: &str = "battery horse correct";

/// The token in a mail's link.
fn token(mail: &SentMail) -> String {
    let token = mail.text.split("#token=").nth(1).and_then(|rest| rest.split_whitespace().next());
    token.unwrap_or_default().to_owned()
}

async fn ask_reset(stack: &TestStack, email: &str) -> Answer {
    stack.api().post("/auth/password-reset/request", &json!({"email": email})).await
}

async fn reset(stack: &TestStack, token: &str) -> Answer {
    stack.api().post("/auth/password-reset", &json!({"token": token, "new_password": NEW})).await
}

async fn log_in(stack: &TestStack, email: &str, password: &str) -> Answer {
    stack.api().post("/auth/login", &json!({"email": email, "password": password})).await
}

#[test]
fn new_account_confirms_its_address_by_mail() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        assert_eq!(minji.account["email_verified"], false);

        let mail = stack.mail(minji.email(), "verify-email", &[]).await;
        let body = json!({"token": token(&mail)});
        let stranger = stack.api().post("/auth/verify-email", &body).await;
        let verified = minji.api.post("/auth/verify-email", &body).await;

        assert_eq!(stranger.refusal(), (401, "unauthenticated".to_owned()));
        assert_eq!((verified.status, verified.text.as_str()), (204, ""));
        assert_eq!(minji.api.get("/users/me").await.with(200)["email_verified"], true);
        assert_eq!(mail.from, "BigTech Chat <no-reply@chat.example>");
    });
}

#[test]
fn forgotten_password_is_replaced_by_mail() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        let socket = minji.socket().await;

        assert_eq!(ask_reset(stack, minji.email()).await.status, 202);
        let mail = stack.mail(minji.email(), "reset-password", &[]).await;
        assert_eq!(reset(stack, &token(&mail)).await.status, 204);

        let (frames, _) = socket.ending().await;
        assert_eq!(frames, [json!({"t": "session.revoked", "d": {"session": minji.session()}})]);
        assert_eq!(minji.api.get("/users/me").await.refusal(), (401, "unauthenticated".to_owned()));
        assert_eq!(log_in(stack, minji.email(), PASSWORD).await.refusal(), (401, "invalid_credentials".to_owned()));
        let tokens = log_in(stack, minji.email(), NEW).await.with(200);
        let api = stack.api().with_token(tokens["access_token"].as_str().unwrap());
        assert_eq!(api.get("/users/me").await.with(200)["email_verified"], true);
        assert_eq!(reset(stack, &token(&mail)).await.refusal(), (403, "mail_token_invalid".to_owned()));
    });
}

#[test]
fn owner_of_an_address_takes_it_back_from_a_squatter() {
    journey(async |stack| {
        let squatter = stack.register("squatter").await;
        let first = stack.mail(squatter.email(), "verify-email", &[]).await;
        let account = json!({"email": squatter.email(), "username": "the-real-owner", "password": NEW});
        assert_eq!(stack.api().post("/auth/register", &account).await.refusal(), (409, "email_taken".to_owned()));

        assert_eq!(ask_reset(stack, squatter.email()).await.status, 202);
        let mail = stack.mail(squatter.email(), "reset-password", &[first]).await;
        assert_eq!(reset(stack, &token(&mail)).await.status, 204);

        assert_eq!(log_in(stack, squatter.email(), NEW).await.status, 200);
        assert_eq!(squatter.api.get("/users/me").await.status, 401);
        assert_eq!(log_in(stack, squatter.email(), PASSWORD).await.status, 401);
    });
}

#[test]
fn unknown_address_is_answered_like_a_known_one() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        let own = ["apigw-requestid", "date", "ratelimit", "x-request-id"];

        let answers = [ask_reset(stack, minji.email()).await, ask_reset(stack, "nobody.at.all@example.com").await];

        let [known, unknown] = answers.map(|answer| {
            let mut headers = answer.headers.clone();
            for name in own {
                headers.remove(name);
            }
            (answer.status, answer.text.clone(), headers)
        });
        assert_eq!(known, unknown);
        assert_eq!(known.0, 202);
    });
}
