use crate::waiting::{MINJI, Waiting, later, noon};
use credentials::MailTokens;
use domain::{MOST_MAIL_TRIES, MailKind, Timestamp};
use mail::Report;
use std::time::Duration;
use testkit::{
    NOON, errors,
    ses::Failure::{self, LostAnswer, Refused, Silence},
};

const RESET: MailKind = MailKind::ResetPassword;
const NOTHING: Report = Report { sent: 0, delayed: 0, given_up: 0 };

/// Failures behind which SES may work again.
const PASSING: [Failure; 5] = [
    Refused(500, "InternalFailure"),
    Refused(503, "ServiceUnavailable"),
    Refused(429, "TooManyRequestsException"),
    Refused(400, "SendingPausedException"),
    Refused(403, "AccessDeniedException"),
];

/// Somebody whose mail waits.
async fn one() -> Waiting {
    let waiting = Waiting::new().await;
    waiting.join("minji").await;
    waiting.leave(RESET, MINJI).await;
    waiting
}

#[tokio::test]
async fn refused_mail_is_tried_again_after_a_pause() {
    for failure in PASSING {
        let waiting = one().await;
        waiting.ses.fail(&[failure]);

        let first = waiting.run_at(noon).await;
        let (too_early, second) = (waiting.run_at(noon).await, waiting.run_at(later).await);

        assert_eq!((first, too_early), (Report { delayed: 1, ..NOTHING }, NOTHING), "{failure:?}");
        assert_eq!((second, waiting.ses.mails().len()), (Report { sent: 1, ..NOTHING }, 1), "{failure:?}");
    }
}

#[tokio::test]
async fn mail_without_an_answer_is_tried_again() {
    let waiting = one().await;
    waiting.ses.fail(&[Silence]);

    let first = waiting.run_at(noon).await;
    let second = waiting.run_at(later).await;

    assert_eq!((first.delayed, second.sent, waiting.ses.asked()), (1, 1, 2));
}

#[tokio::test]
async fn mail_whose_answer_is_lost_comes_twice_with_one_token() {
    let waiting = one().await;
    waiting.ses.fail(&[LostAnswer]);

    waiting.run_at(noon).await;
    waiting.run_at(later).await;

    let [first, second] = &waiting.ses.mails()[..] else { unreachable!("two mails") };
    assert_eq!(first, second);
}

#[tokio::test]
async fn mail_of_a_process_that_died_in_its_try_is_sent_later() {
    let waiting = one().await;
    let mails = waiting.mysql().mails().list_due(NOON, 10).await.unwrap();
    assert!(waiting.mysql().mails().begin_try(&mails[0], later()).await.unwrap());

    assert_eq!(waiting.run_at(noon).await, NOTHING);
    assert_eq!(waiting.run_at(later).await, Report { sent: 1, ..NOTHING });
}

#[tokio::test]
async fn mail_is_given_up_after_five_tries_and_logged_without_its_address() {
    // Later than the longest pause after each try.
    const TIMES: [fn() -> Timestamp; 6] = [|| at(0), || at(1), || at(4), || at(10), || at(26), || at(45)];
    fn at(minutes: u64) -> Timestamp {
        NOON.plus(Duration::from_mins(minutes))
    }
    let waiting = one().await;
    waiting.ses.fail(&[Refused(500, "InternalFailure"); 6]);
    let mut reports = Vec::new();

    let logged = errors(async || {
        for moment in TIMES {
            reports.push(waiting.run_at(moment).await);
        }
    })
    .await;

    assert_eq!(reports.iter().map(|report| report.delayed).collect::<Vec<_>>(), [1, 1, 1, 1, 0, 0]);
    assert_eq!(reports.iter().map(|report| report.given_up).collect::<Vec<_>>(), [0, 0, 0, 0, 1, 0]);
    assert_eq!(waiting.ses.asked(), usize::try_from(MOST_MAIL_TRIES).unwrap());
    assert_eq!(waiting.count().await, 0);
    let [line] = &logged[..] else { unreachable!("one line: {logged:?}") };
    assert!(line.contains("Gave up on a mail: InternalFailure") && line.contains("user.id"), "{line}");
    assert!(!line.contains("minji"), "{line}");
}

#[tokio::test]
async fn mail_that_ses_never_takes_is_given_up_at_once() {
    for kind in ["BadRequestException", "MessageRejected"] {
        let waiting = one().await;
        waiting.ses.fail(&[Refused(400, kind)]);
        let mut report = NOTHING;

        let logged = errors(async || report = waiting.run_at(noon).await).await;

        assert_eq!(report, Report { given_up: 1, ..NOTHING });
        assert_eq!(waiting.run_at(later).await, NOTHING);
        assert!(logged.len() == 1 && logged[0].contains(kind) && !logged[0].contains("minji"), "{logged:?}");
    }
}

#[tokio::test]
async fn mail_whose_key_is_gone_is_given_up() {
    let waiting = one().await;
    let tokens = MailTokens::new("another key of thirty-two bytes!", None);

    let report = waiting.post_with(tokens, noon).send_due(later()).await.unwrap();

    assert_eq!((report, waiting.ses.asked()), (Report { given_up: 1, ..NOTHING }, 0));
}

#[tokio::test]
async fn mail_whose_tries_all_died_is_given_up() {
    let waiting = one().await;
    waiting.execute(&format!("UPDATE mails SET tries = {MOST_MAIL_TRIES}")).await;

    let report = waiting.run_at(noon).await;

    assert_eq!((report, waiting.ses.asked(), waiting.count().await), (Report { given_up: 1, ..NOTHING }, 0, 0));
}

#[tokio::test]
async fn throttled_run_leaves_the_rest_to_the_next() {
    let waiting = Waiting::new().await;
    for n in 0..3 {
        waiting.join(&format!("person{n}")).await;
        waiting.leave(RESET, &format!("person{n}@example.com")).await;
    }
    waiting.ses.fail(&[Refused(429, "TooManyRequestsException")]);

    let throttled = waiting.run_at(noon).await;

    assert_eq!((throttled, waiting.ses.asked()), (Report { delayed: 1, ..NOTHING }, 1));
    assert_eq!(waiting.run_at(later).await, Report { sent: 3, ..NOTHING });
}
