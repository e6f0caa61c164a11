//! The counts of open uploads and bytes.

use super::{SIZE, later, pending, ready, reserve, usage};
use crate::scene::{ANNA, AT, BORA, environments, scene};
use domain::UploadLimits;
use futures_util::future::join_all;
use mongo::Recounted;

#[tokio::test]
async fn concurrent_reservations_never_exceed_the_limits() {
    let database = scene().await;
    let environments = environments(&database, 20).await;
    for (owner, limits, expected) in [
        (ANNA, UploadLimits { open: 7, ..UploadLimits::default() }, 7),
        (BORA, UploadLimits { stored_bytes: 4_999, ..UploadLimits::default() }, 4),
    ] {
        let reserved = join_all(
            environments.iter().map(|mongo| async { mongo.usages().reserve(owner, SIZE, &limits, AT).await.unwrap() }),
        )
        .await;

        assert_eq!(reserved.into_iter().filter(|reserved| *reserved).count(), expected);
        let expected = i64::try_from(expected).unwrap();
        assert_eq!(usage(&database, owner).await, Some((expected, expected * 1_000)));
    }
}

#[tokio::test]
async fn file_above_the_whole_quota_is_never_reserved() {
    let database = scene().await;
    let limits = UploadLimits { stored_bytes: 999, ..UploadLimits::default() };
    assert!(!database.mongo.usages().reserve(ANNA, SIZE, &limits, AT).await.unwrap());
    assert_eq!(usage(&database, ANNA).await, None);
}

#[tokio::test]
async fn count_that_a_crash_left_too_high_is_put_right() {
    let database = scene().await;
    let (mongo, usages) = (&database.mongo, database.mongo.usages());
    pending(mongo, ANNA).await;
    let doomed = ready(mongo, ANNA).await;
    mongo.uploads().end_own(ANNA, doomed.id, AT).await.unwrap();
    // Reserved, and never inserted.
    reserve(mongo, ANNA).await;
    assert_eq!(usage(&database, ANNA).await, Some((2, 3_000)));
    assert_eq!(usages.list_unchecked(later(86_399), 5).await.unwrap(), []);
    assert_eq!(usages.list_unchecked(later(86_400), 5).await.unwrap(), [ANNA]);

    assert_eq!(usages.recount(ANNA, later(86_400)).await.unwrap(), Recounted::Corrected);

    assert_eq!(usage(&database, ANNA).await, Some((1, 2_000)), "bytes count until they are deleted");
    assert_eq!(usages.recount(ANNA, later(86_400)).await.unwrap(), Recounted::Right);
    assert_eq!(usages.list_unchecked(later(86_400), 5).await.unwrap(), []);
    assert_eq!(usages.recount(BORA, AT).await.unwrap(), Recounted::Right);
}

#[tokio::test]
async fn count_is_left_alone_while_uploads_move() {
    let database = scene().await;
    let (mongo, usages) = (&database.mongo, database.mongo.usages());
    reserve(mongo, ANNA).await;

    // Who reserved may not have inserted yet.
    assert_eq!(usages.recount(ANNA, later(299)).await.unwrap(), Recounted::Busy);
    assert_eq!(usage(&database, ANNA).await, Some((1, 1_000)));
    assert_eq!(usages.list_unchecked(later(299 + 600), 5).await.unwrap(), [ANNA], "it is tried again soon");
    assert_eq!(usages.recount(ANNA, later(300)).await.unwrap(), Recounted::Corrected);
    assert_eq!(usage(&database, ANNA).await, Some((0, 0)));
}
