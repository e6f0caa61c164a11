use crate::waiting::{MINJI, Waiting, later, noon};
use credentials::{MailToken, MailTokens};
use domain::{MailKind, Timestamp};
use mail::Report;
use std::time::Duration;
use testkit::{KEY, NOON, statements};
use tokio::task::JoinSet;

const VERIFY: MailKind = MailKind::VerifyEmail;
const RESET: MailKind = MailKind::ResetPassword;
const NOTHING: Report = Report { sent: 0, delayed: 0, given_up: 0 };

#[tokio::test]
async fn mail_goes_to_the_owner_in_their_language_with_its_token() {
    let waiting = Waiting::new().await;
    waiting.join("minji").await;
    waiting.execute("UPDATE users SET locale = 'ko', email = 'Minji@Example.com'").await;
    let left = waiting.leave(RESET, MINJI).await;

    waiting.post().send(&left.token_hash).await;

    let [mail] = &waiting.ses.mails()[..] else { unreachable!("one mail") };
    assert_eq!((mail.from.as_str(), mail.to.as_str()), ("Chat <no-reply@chat.example>", "Minji@example.com"));
    assert_eq!(mail.subject, "새 비밀번호를 설정해 주세요");
    assert!(mail.text.contains("https://chat.example/reset-password#token="), "{}", mail.text);
    assert!(mail.html.contains(&mail.token()), "{}", mail.html);
    assert_eq!(MailToken::parse(&mail.token()).unwrap().hash(), left.token_hash);
}

#[tokio::test]
async fn sent_mail_is_not_sent_again() {
    let waiting = Waiting::new().await;
    waiting.join("minji").await;
    let left = waiting.leave(RESET, MINJI).await;
    waiting.post().send(&left.token_hash).await;

    waiting.post().send(&left.token_hash).await;
    let report = waiting.run_at(later).await;

    assert_eq!((report, waiting.ses.asked()), (NOTHING, 1));
}

#[tokio::test]
async fn mails_left_by_requests_are_sent_by_the_next_run() {
    let waiting = Waiting::new().await;
    for name in ["minji", "junho"] {
        waiting.join(name).await;
        waiting.leave(VERIFY, &format!("{name}@example.com")).await;
    }

    let report = waiting.run_at(noon).await;

    assert_eq!(report, Report { sent: 2, ..NOTHING });
    assert_eq!(waiting.readers(), ["junho@example.com", MINJI]);
    assert_eq!(waiting.count().await, 0);
}

#[tokio::test]
async fn nobody_gets_mail_to_an_unknown_or_inactive_address() {
    let waiting = Waiting::new().await;
    let minji = waiting.join("minji").await;
    waiting.deactivate(minji).await;
    waiting.leave(RESET, MINJI).await;
    waiting.leave(RESET, "nobody@example.com").await;

    let report = waiting.run_at(noon).await;

    assert_eq!((report, waiting.ses.asked(), waiting.count().await), (NOTHING, 0, 0));
}

#[tokio::test]
async fn verified_address_is_not_asked_again() {
    let waiting = Waiting::new().await;
    waiting.join("minji").await;
    waiting.execute("UPDATE users SET email_verified_at = UTC_TIMESTAMP(3)").await;
    waiting.leave(VERIFY, MINJI).await;

    waiting.run_at(noon).await;

    assert_eq!((waiting.ses.asked(), waiting.count().await), (0, 0));
}

#[tokio::test]
async fn newer_mail_takes_the_place_of_one_of_its_kind() {
    let waiting = Waiting::new().await;
    waiting.join("minji").await;
    let (older, newer) = (waiting.leave(RESET, MINJI).await, waiting.leave(RESET, MINJI).await);
    let other = waiting.leave(VERIFY, MINJI).await;

    for mail in [&older, &newer, &other] {
        waiting.post().send(&mail.token_hash).await;
    }

    let hashes: Vec<_> =
        waiting.ses.mails().iter().map(|mail| MailToken::parse(&mail.token()).unwrap().hash()).collect();
    assert_eq!(hashes, [newer.token_hash, other.token_hash]);
}

#[tokio::test]
async fn mail_of_the_key_before_is_sent_with_its_token() {
    const NEWER: &str = "another key of thirty-two bytes!";
    let waiting = Waiting::new().await;
    waiting.join("minji").await;
    let left = waiting.leave(RESET, MINJI).await;

    waiting.post_with(MailTokens::new(NEWER, Some(KEY)), noon).send(&left.token_hash).await;

    assert_eq!(MailToken::parse(&waiting.ses.mails()[0].token()).unwrap().hash(), left.token_hash);
}

#[tokio::test]
async fn late_mail_is_not_sent_and_its_token_forgotten() {
    fn late() -> Timestamp {
        NOON.plus(Duration::from_hours(1))
    }
    fn later_still() -> Timestamp {
        late().plus(Duration::from_secs(1))
    }
    let waiting = Waiting::new().await;
    waiting.join("minji").await;
    let left = waiting.leave(RESET, MINJI).await;

    let report = waiting.run_at(late).await;

    assert_eq!((report, waiting.ses.asked()), (NOTHING, 0));
    waiting.run_at(later_still).await;
    assert_eq!(waiting.mysql().mails().find_owner(RESET, &left.token_hash, NOON).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_concurrent_runs_send_each_mail_once() {
    let waiting = Waiting::new().await;
    let mut expected = Vec::new();
    for name in ["minji", "junho", "sora", "haneul", "yuna"] {
        waiting.join(name).await;
        waiting.leave(RESET, &format!("{name}@example.com")).await;
        expected.push(format!("{name}@example.com"));
    }
    expected.sort();

    let mut runs = JoinSet::new();
    for _ in 0..20 {
        let post = waiting.post();
        runs.spawn(async move { post.send_due(NOON.plus(Duration::from_mins(1))).await.unwrap().sent });
    }

    assert_eq!(runs.join_all().await.into_iter().sum::<usize>(), 5);
    assert_eq!(waiting.readers(), expected);
}

#[tokio::test]
async fn run_that_is_over_leaves_mails_to_the_next() {
    let waiting = Waiting::new().await;
    waiting.join("minji").await;
    waiting.leave(RESET, MINJI).await;

    let report = waiting.post().send_due(NOON).await.unwrap();

    assert_eq!((report, waiting.ses.asked(), waiting.count().await), (NOTHING, 0, 1));
}

#[tokio::test]
async fn mail_costs_three_statements() {
    let waiting = Waiting::new().await;
    waiting.join("minji").await;
    let left = waiting.leave(RESET, MINJI).await;
    let post = waiting.post();

    let sent = statements(async || post.send(&left.token_hash).await).await;

    let verbs: Vec<_> = sent.iter().map(|statement| statement.split(' ').next().unwrap()).collect();
    assert_eq!(verbs, ["SELECT", "UPDATE", "UPDATE"], "{sent:#?}");
}

#[tokio::test]
async fn run_costs_two_statements_and_two_for_each_mail() {
    let waiting = Waiting::new().await;
    for n in 0..7 {
        waiting.join(&format!("person{n}")).await;
        waiting.leave(RESET, &format!("person{n}@example.com")).await;
    }

    let sent = statements(async || assert_eq!(waiting.run_at(noon).await.sent, 7)).await;

    assert_eq!((sent.len(), waiting.ses.asked()), (2 + 2 * 7, 7), "{sent:#?}");
}
