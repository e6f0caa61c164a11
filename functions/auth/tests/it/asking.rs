//! Who asks for a reset learns nothing about who has an account.

use crate::{
    logins::MINJI,
    mailed::{Mailed, NEW, invalid},
};
use domain::{MailKind, Random};
use std::time::Duration;
use testkit::{
    NOON,
    ses::{Failure::Refused, TakenMail},
    statements,
};

const NOBODY: &str = "nobody@example.com";
const GONE: &str = "gone@example.com";

async fn scene() -> Mailed {
    let (mailed, ..) = Mailed::with_minji().await;
    mailed.join(GONE).await;
    mailed.execute("UPDATE users SET is_active = FALSE WHERE username = 'gone'").await;
    mailed
}

#[tokio::test]
async fn answer_is_the_same_whether_there_is_an_account() {
    let mailed = scene().await;
    let mut answers = Vec::new();

    for email in [MINJI, NOBODY, GONE] {
        let mut answer = mailed.ask_reset(email).await;
        // The limit of the caller's own address is not about the account.
        for name in ["x-request-id", "ratelimit"] {
            answer.headers.remove(name);
        }
        answers.push(answer);
    }

    assert_eq!((answers[0].status, answers[0].text.as_str()), (202, ""));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(mailed.ses.mails().iter().filter(|mail| mail.text.contains("/reset-password#")).count(), 1);
}

#[tokio::test]
async fn answer_takes_the_same_statements_whether_there_is_an_account() {
    let mailed = scene().await;
    let mut costs = Vec::new();

    // The second time, too, when there is a mail before it.
    for email in [MINJI, NOBODY, GONE, MINJI, NOBODY, GONE] {
        let mut profile = mailed.profile().await;
        let sent = statements(async || drop(mailed.ask_reset(email).await)).await;
        // What comes behind the first two runs after the answer.
        costs.push((sent[..2].to_vec(), profile.count().await));
    }

    assert!(costs[0].0[0].starts_with("INSERT INTO mails"), "{costs:#?}");
    assert!(costs[0].0[1].starts_with("SELECT m.email_fold"), "{costs:#?}");
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:#?}");
}

#[tokio::test]
async fn work_after_the_answer_takes_the_same_time() {
    let mailed = scene().await;
    let even = Duration::from_millis(300);
    let post = mailed.post_to(&mailed.ses).even_within(even);

    for email in [MINJI, NOBODY] {
        let mail = post.draw(MailKind::ResetPassword, Random(|bytes| bytes.fill(7)), NOON);
        mailed.mysql().mails().insert(email, &mail).await.unwrap();
        let begun = tokio::time::Instant::now();
        post.send_evenly(&mail.token_hash).await;
        assert!(begun.elapsed() >= even, "{email}");
    }
}

#[tokio::test]
async fn mails_to_an_address_are_limited_in_every_spelling_known_or_not() {
    let mailed = scene().await.with_mails_limited_to(2);
    for email in [MINJI, NOBODY] {
        let mut statuses = Vec::new();
        for spelling in [email, &email.to_uppercase(), email] {
            statuses.push(mailed.ask_reset(spelling).await.status);
        }
        assert_eq!(statuses, [202, 202, 429], "{email}");
    }
}

#[tokio::test]
async fn requests_are_limited_by_ip() {
    let mailed = scene().await;
    let limited = mailed.limited_to(2);

    let mut statuses = Vec::new();
    for n in 0..3 {
        statuses.push(limited.ask_reset(&format!("person{n}@example.com")).await.status);
    }

    assert_eq!(statuses, [202, 202, 429]);
}

#[tokio::test]
async fn malformed_address_is_refused() {
    let mailed = scene().await;

    assert_eq!(mailed.ask_reset("minji").await.refusal(), (422, "invalid_fields".to_owned()));
}

#[tokio::test]
async fn mail_that_ses_does_not_take_is_sent_later() {
    let mailed = scene().await;
    mailed.ses.fail(&[Refused(503, "ServiceUnavailable")]);

    assert_eq!(mailed.ask_reset(MINJI).await.status, 202);

    assert_eq!(mailed.ses.mails().len(), 2, "those of the registrations");
    mailed.execute("UPDATE mails SET due_at = due_at - INTERVAL 30 SECOND").await;
    let report = mailed.post_to(&mailed.ses).send_due(NOON.plus(Duration::from_mins(1))).await.unwrap();
    assert_eq!(report.sent, 1);
    assert_eq!(mailed.reset(&mailed.token("reset-password"), NEW).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_concurrent_requests_leave_one_token() {
    let mailed = scene().await;

    let answers = mailed.at_once(20, |logins, _| async move { logins.ask_reset(MINJI).await }).await;

    assert!(answers.iter().all(|(_, answer)| answer.status == 202), "{answers:?}");
    let mut mails = mailed.ses.mails();
    mails.retain(|mail| mail.text.contains("/reset-password#"));
    let tokens: Vec<_> = mails.iter().map(TakenMail::token).collect();
    let mut outcomes = Vec::new();
    for (n, token) in tokens.iter().enumerate() {
        let answer = mailed.reset(token, &format!("new password {n}")).await;
        assert!(answer.status == 204 || answer.refusal() == invalid(), "{}", answer.text);
        outcomes.push(answer.status);
    }
    assert_eq!(outcomes.iter().filter(|&&status| status == 204).count(), 1, "{outcomes:?}");
}
