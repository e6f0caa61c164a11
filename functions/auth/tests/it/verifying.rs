use crate::{
    logins::{Logins, MINJI},
    mailed::{Mailed, NEW, invalid},
};
use domain::Timestamp;
use std::time::Duration;
use testkit::{NOON, statements};

#[tokio::test]
async fn registered_person_gets_a_mail_and_confirms_the_address() {
    let (mailed, minji, tokens) = Mailed::with_minji().await;
    let mails = mailed.ses.mails();
    assert_eq!(
        (mails.len(), mails[0].to.as_str(), mails[0].subject.as_str()),
        (1, MINJI, "이메일 주소를 확인해 주세요")
    );

    let answer = mailed.verify(&tokens.access, &mailed.verification()).await;

    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert!(mailed.is_verified(minji).await);
}

#[tokio::test]
async fn verification_ends_all_other_sessions() {
    let (mailed, _, here) = Mailed::with_minji().await;
    let other = mailed.tokens(MINJI).await;

    mailed.verify(&here.access, &mailed.verification()).await;

    assert!(mailed.knows(&here.access).await);
    assert_eq!(mailed.refresh(&here.refresh).await.status, 200);
    assert!(!mailed.knows(&other.access).await);
    assert_eq!(mailed.refresh(&other.refresh).await.refusal(), (401, "refresh_token_invalid".to_owned()));
}

#[tokio::test]
async fn verification_token_works_once() {
    let (mailed, _, tokens) = Mailed::with_minji().await;
    let token = mailed.verification();
    mailed.verify(&tokens.access, &token).await;

    assert_eq!(mailed.verify(&tokens.access, &token).await.refusal(), invalid());
}

#[tokio::test]
async fn every_worthless_token_is_refused_alike() {
    let (mailed, minji, tokens) = Mailed::with_minji().await;
    let junho = "junho@example.com";
    mailed.join(junho).await;
    let junhos = mailed.verification();
    let reset = mailed.reset_token().await;

    for token in [junhos.as_str(), &reset, "", "forged", &"A".repeat(43), &"A".repeat(1_000)] {
        assert_eq!(mailed.verify(&tokens.access, token).await.refusal(), invalid(), "{token}");
    }

    assert!(!mailed.is_verified(minji).await);
    // The refused ones are worth what they were.
    let there = mailed.tokens(junho).await;
    assert_eq!(mailed.verify(&there.access, &junhos).await.status, 204);
    assert_eq!(mailed.reset(&reset, NEW).await.status, 204);
}

#[tokio::test]
async fn verification_token_expires_after_a_day() {
    fn next_day() -> Timestamp {
        NOON.plus(Duration::from_hours(24))
    }
    let mailed = Mailed::new().await;
    mailed.join(MINJI).await;
    let later = mailed.at(next_day);
    let tokens = later.tokens(MINJI).await;

    assert_eq!(later.verify(&tokens.access, &mailed.verification()).await.refusal(), invalid());
}

#[tokio::test]
async fn newer_verification_replaces_the_older() {
    let (mailed, _, tokens) = Mailed::with_minji().await;
    let older = mailed.verification();

    let answer = mailed.ask_verification(&tokens.access).await;

    assert_eq!((answer.status, answer.text.as_str()), (202, ""));
    assert_eq!(mailed.verify(&tokens.access, &older).await.refusal(), invalid());
    assert_eq!(mailed.verify(&tokens.access, &mailed.verification()).await.status, 204);
}

#[tokio::test]
async fn confirmed_address_gets_no_other_mail() {
    let (mailed, _, tokens) = Mailed::with_minji().await;
    mailed.verify(&tokens.access, &mailed.verification()).await;

    assert_eq!(mailed.ask_verification(&tokens.access).await.status, 202);

    assert_eq!(mailed.ses.asked(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_twenty_concurrent_verifications_takes_the_token() {
    let (mailed, minji, tokens) = Mailed::with_minji().await;
    let token = mailed.verification();

    let answers = mailed
        .at_once(20, move |logins, _| {
            let (access, token) = (tokens.access.clone(), token.clone());
            async move { logins.verify(&access, &token).await }
        })
        .await;

    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.status == 204);
    assert!(won.len() <= 1, "{won:?}");
    assert!(lost.iter().all(|(_, answer)| answer.refusal() == invalid()), "{lost:?}");
    assert!(mailed.is_verified(minji).await);
}

#[tokio::test]
async fn verification_mails_are_limited_by_address() {
    let (mailed, _, tokens) = Mailed::with_minji().await;
    let mailed = mailed.with_mails_limited_to(2);

    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(mailed.ask_verification(&tokens.access).await.status);
    }

    assert_eq!((statuses, mailed.ses.asked()), (vec![202, 202, 429], 3));
    assert_eq!(mailed.ask_reset(MINJI).await.status, 202, "resets count apart");
}

#[tokio::test]
async fn address_gets_no_more_mails_by_many_registrations() {
    let mailed = Mailed::new().await.with_mails_limited_to(2);
    mailed.join(MINJI).await;
    let tokens = mailed.tokens(MINJI).await;
    assert_eq!(mailed.ask_verification(&tokens.access).await.status, 202);
    assert_eq!(mailed.ask_verification(&tokens.access).await.status, 429);

    mailed.execute("UPDATE users SET email = 'a@example.com', email_fold = 'a@example.com'").await;
    let again = mailed.register("MINJI@example.com", "other").await;

    assert_eq!((again.status, mailed.ses.asked()), (201, 2));
}

#[tokio::test]
async fn registration_mail_that_failed_is_sent_later() {
    use testkit::ses::Failure::Refused;
    let mailed = Mailed::new().await;
    mailed.ses.fail(&[Refused(500, "InternalFailure")]);

    let minji = mailed.join(MINJI).await;

    assert!(mailed.ses.mails().is_empty());
    let later = mailed.post_to(&mailed.ses);
    mailed.execute(&format!("UPDATE mails SET due_at = due_at - INTERVAL 30 SECOND /* {minji} */")).await;
    assert_eq!(later.send_due(NOON.plus(Duration::from_mins(1))).await.unwrap().sent, 1);
}

#[tokio::test]
async fn nobody_is_asked_to_confirm_without_a_sender() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let tokens = logins.tokens(MINJI).await;

    let off = (409, "mail_off".to_owned());
    assert_eq!(logins.ask_verification(&tokens.access).await.refusal(), off);
    assert_eq!(logins.ask_reset(MINJI).await.refusal(), off);
    assert_eq!(logins.ask_reset("nobody@example.com").await.refusal(), off);
    assert_eq!(logins.mysql().mails().count_waiting().await.unwrap(), 0);
}

#[tokio::test]
async fn refused_token_costs_one_statement_and_locks_nobody() {
    let (mailed, minji, tokens) = Mailed::with_minji().await;
    let _held = mailed.hold(&[minji]).await;

    let sent = statements(async || {
        for _ in 0..2 {
            assert_eq!(mailed.verify(&tokens.access, &"A".repeat(43)).await.refusal(), invalid());
        }
        assert_eq!(mailed.reset(&"A".repeat(43), NEW).await.refusal(), invalid());
    })
    .await;

    assert_eq!(sent.len(), 3, "{sent:#?}");
}
