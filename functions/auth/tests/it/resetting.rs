use crate::{
    logins::{MINJI, PASSWORD},
    mailed::{Mailed, NEW, invalid},
};
use domain::{SessionId, Timestamp};
use serde_json::json;
use std::time::Duration;
use testkit::{NOON, statements};

#[tokio::test]
async fn forgotten_password_is_replaced_by_mail() {
    let (mailed, minji, _) = Mailed::with_minji().await;
    let token = mailed.reset_token().await;
    assert_eq!(mailed.ses.mails()[1].subject, "새 비밀번호를 설정해 주세요");

    let answer = mailed.reset(&token, NEW).await;

    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_eq!(mailed.log_in(MINJI, NEW).await.status, 200);
    assert_eq!(mailed.log_in(MINJI, PASSWORD).await.refusal(), (401, "invalid_credentials".to_owned()));
    assert!(mailed.is_verified(minji).await, "whoever read the mail has the address");
}

#[tokio::test]
async fn reset_ends_every_session_with_its_sockets() {
    let (mailed, minji, phone) = Mailed::with_minji().await;
    let laptop = mailed.tokens(MINJI).await;
    mailed.connect(minji, phone.session(), "phone").await;
    mailed.connect(minji, laptop.session(), "laptop").await;

    let token = mailed.reset_token().await;
    mailed.reset(&token, NEW).await;

    for tokens in [phone, laptop] {
        assert!(!mailed.knows(&tokens.access).await);
        assert_eq!(mailed.refresh(&tokens.refresh).await.refusal(), (401, "refresh_token_invalid".to_owned()));
    }
    assert_eq!(mailed.connections(minji).await, [""; 0]);
}

#[tokio::test]
async fn reset_affects_only_its_account() {
    let (mailed, ..) = Mailed::with_minji().await;
    mailed.join("junho@example.com").await;
    let junho = mailed.tokens("junho@example.com").await;

    let token = mailed.reset_token().await;
    mailed.reset(&token, NEW).await;

    assert!(mailed.knows(&junho.access).await);
    assert_eq!(mailed.log_in("junho@example.com", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn reset_token_works_once() {
    let (mailed, ..) = Mailed::with_minji().await;
    let token = mailed.reset_token().await;
    mailed.reset(&token, NEW).await;

    assert_eq!(mailed.reset(&token, "yet another password").await.refusal(), invalid());

    assert_eq!(mailed.log_in(MINJI, NEW).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_twenty_concurrent_resets_wins() {
    let (mailed, ..) = Mailed::with_minji().await;
    let token = mailed.reset_token().await;

    let answers = mailed
        .at_once(20, move |logins, n| {
            let token = token.clone();
            async move { logins.reset(&token, &format!("new password {n}")).await }
        })
        .await;

    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.status == 204);
    assert!(won.len() <= 1, "{won:?}");
    assert!(lost.iter().all(|(_, answer)| answer.refusal() == invalid()), "{lost:?}");
    for (n, _) in won {
        assert_eq!(mailed.log_in(MINJI, &format!("new password {n}")).await.status, 200);
    }
    assert_eq!(mailed.log_in(MINJI, PASSWORD).await.refusal(), (401, "invalid_credentials".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_login_with_the_old_password_outlives_a_concurrent_reset() {
    let (mailed, minji, _) = Mailed::with_minji().await;
    let token = mailed.reset_token().await;

    let answers = mailed
        .at_once(20, move |logins, n| {
            let token = token.clone();
            async move { if n == 10 { logins.reset(&token, NEW).await } else { logins.log_in(MINJI, PASSWORD).await } }
        })
        .await;

    for (n, answer) in &answers {
        let expected: &[u16] = if *n == 10 { &[204, 403] } else { &[200, 401, 429] };
        assert!(expected.contains(&answer.status), "{n}: {}", answer.text);
    }
    assert_eq!(mailed.mysql().sessions().list_live(minji, NOON).await.unwrap(), [] as [SessionId; 0]);
}

#[tokio::test]
async fn reset_token_expires_after_an_hour() {
    fn next_hour() -> Timestamp {
        NOON.plus(Duration::from_hours(1))
    }
    let (mailed, ..) = Mailed::with_minji().await;
    let token = mailed.reset_token().await;

    assert_eq!(mailed.at(next_hour).reset(&token, NEW).await.refusal(), invalid());

    assert_eq!(mailed.log_in(MINJI, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn newer_reset_replaces_the_older() {
    let (mailed, ..) = Mailed::with_minji().await;
    let (older, newer) = (mailed.reset_token().await, mailed.reset_token().await);

    assert_eq!(mailed.reset(&older, NEW).await.refusal(), invalid());
    assert_eq!(mailed.reset(&newer, NEW).await.status, 204);
}

#[tokio::test]
async fn every_worthless_reset_token_is_refused_alike() {
    let (mailed, minji, _) = Mailed::with_minji().await;
    let verification = mailed.verification();
    let token = mailed.reset_token().await;
    mailed.execute(&format!("UPDATE users SET is_active = FALSE WHERE id = {minji}")).await;

    for token in [token.as_str(), &verification, "", "forged", &"A".repeat(43), &"A".repeat(1_000)] {
        assert_eq!(mailed.reset(token, NEW).await.refusal(), invalid(), "{token}");
    }

    mailed.execute("UPDATE users SET is_active = TRUE").await;
    assert_eq!(mailed.log_in(MINJI, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn token_survives_a_refused_password() {
    let (mailed, ..) = Mailed::with_minji().await;
    let token = mailed.reset_token().await;

    let refused = mailed.reset(&token, "short").await;

    let error = &refused.json()["errors"][0];
    assert_eq!((refused.status, &error["field"], &error["code"]), (422, &json!("new_password"), &json!("too_short")));
    assert_eq!(mailed.reset(&token, NEW).await.status, 204);
}

#[tokio::test]
async fn reset_password_is_stored_as_hash_and_its_token_not_at_all() {
    let (mailed, minji, _) = Mailed::with_minji().await;
    let token = mailed.reset_token().await;
    let mail = mailed.mysql().mails().find_due(&token, NOON).await.unwrap();
    assert_eq!(mail, None, "what is stored is no token");

    mailed.reset(&token, NEW).await;

    let hash = mailed.mysql().users().find_password_hash(minji).await.unwrap().unwrap();
    assert!(hash.starts_with("$argon2id$") && !hash.contains(NEW), "{hash}");
}

#[tokio::test]
async fn resets_are_limited_by_ip() {
    let (mailed, ..) = Mailed::with_minji().await;
    let limited = mailed.limited_to(2);

    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(limited.reset(&"A".repeat(43), NEW).await.status);
    }

    assert_eq!(statuses, [403, 403, 429]);
}

#[tokio::test]
async fn reset_costs_the_same_however_many_sessions_there_are() {
    let mut counts = Vec::new();
    for sessions in [1, 20] {
        let (mailed, ..) = Mailed::with_minji().await;
        for _ in 1..sessions {
            mailed.tokens(MINJI).await;
        }
        let token = mailed.reset_token().await;
        let mut profile = mailed.profile().await;

        let mut sent = statements(async || assert_eq!(mailed.reset(&token, NEW).await.status, 204)).await;
        // Not those that open a connection or end a transaction.
        sent.retain(|text| ["SELECT", "INSERT", "UPDATE", "DELETE"].iter().any(|verb| text.starts_with(verb)));

        counts.push((sent.len(), profile.count().await));
    }

    assert_eq!(counts[0], counts[1]);
    assert!(counts[0].0 <= 12 && counts[0].1 <= 6, "{counts:?}");
}
