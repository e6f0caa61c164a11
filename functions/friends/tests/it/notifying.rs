//! Whose devices are told of a request.

use crate::{
    answers::reject,
    requests::{ask, asked, two},
};
use serde_json::{Value, json};
use std::sync::Arc;
use testkit::{Door, RecordedQueue};

/// A door behind which devices are told, and what is queued for them.
async fn notifying() -> (Door, Arc<RecordedQueue>) {
    let queue = Arc::new(RecordedQueue::default());
    let door = Door::new(friends::routes).await.with(|backend| {
        let announcer = backend.projector.announcer.clone();
        backend.projector.announcer = announcer.with_notifications(Some(queue.clone()));
    });
    (door, queue)
}

/// Who asked whom, by the jobs that were queued.
fn told(queue: &RecordedQueue) -> Vec<[Value; 2]> {
    queue.bodies().into_iter().map(|job| [job["from"].clone(), job["to"].clone()]).collect()
}

#[tokio::test]
async fn request_notifies_the_addressee_alone() {
    let (door, queue) = notifying().await;
    let [minji, junho] = two(&door).await;

    asked(&door, minji, junho).await;

    assert_eq!(told(&queue), [[json!(minji), json!(junho)]]);
}

#[tokio::test]
async fn request_after_a_rejection_notifies_nobody() {
    let (door, queue) = notifying().await;
    let [minji, junho] = two(&door).await;
    let id = asked(&door, minji, junho).await;
    reject(&door, junho, &id).await;
    told(&queue);

    assert_eq!(ask(&door, minji, junho).await.status, 201);

    assert!(told(&queue).is_empty());
}
