use crate::{Desk, MINJI, STRANGER, refused};
use domain::{Limit, MessageId, Timestamp, UploadId, UserId};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, NOON};

const JUNHO: UserId = UserId(2);

impl Desk {
    /// A picture that Minji has sent to Junho.
    async fn picture(&self) -> (MessageId, UploadId) {
        let room = self.project_room([MINJI, JUNHO]).await;
        self.send_picture(room, MINJI, 1).await.unwrap()
    }

    async fn link(&self, user: UserId, items: &[Value]) -> Answer {
        self.post(user, "/files/links", &json!({ "items": items })).await
    }
}

#[tokio::test]
async fn links_come_in_the_order_asked_for() {
    let desk = Desk::new().await;
    let (message, upload) = desk.picture().await;
    let unknown = UploadId([9; 16]);
    let items = [
        json!({ "message_id": message, "id": upload, "variant": "small" }),
        json!({ "message_id": message, "id": unknown }),
        json!({ "message_id": message, "id": upload }),
    ];
    let mut profile = desk.profile().await;

    let answer = desk.link(JUNHO, &items).await;

    assert_eq!((answer.status, profile.count().await), (200, 3), "the gate, the messages, the rooms");
    let links = answer.json()["items"].clone();
    let url = |n: usize| links[n]["url"].as_str().unwrap_or_default().to_owned();
    assert!(url(0).contains(&format!("{upload}/small?")) && url(2).contains(&format!("{upload}/original?")));
    let ends = NOON.plus(Duration::from_mins(10));
    assert_eq!(links[2]["expires_at"].as_str().map(Timestamp::parse), Some(Ok(ends)));
    let nothing = json!({ "id": unknown, "variant": "original", "url": null, "expires_at": null });
    assert_eq!((&links[1], &links[0]["variant"]), (&nothing, &json!("small")));
}

#[tokio::test]
async fn stranger_gets_no_link() {
    let desk = Desk::new().await;
    let (message, upload) = desk.picture().await;

    let answer = desk.link(STRANGER, &[json!({ "message_id": message, "id": upload })]).await;

    let nothing = json!({ "id": upload, "variant": "original", "url": null, "expires_at": null });
    assert_eq!((answer.status, &answer.json()["items"][0]), (200, &nothing));
}

#[tokio::test]
async fn one_to_fifty_links_are_asked_for_at_once() {
    let desk = Desk::new().await;
    let item = json!({ "message_id": MessageId([7; 12]), "id": UploadId([7; 16]) });

    assert_eq!(desk.link(MINJI, &vec![item.clone(); 50]).await.status, 200);
    for number in [0, 51] {
        let answer = desk.link(MINJI, &vec![item.clone(); number]).await;
        assert_eq!(answer.refusal(), refused(422, "invalid_fields"), "{number}");
    }
}

#[tokio::test]
async fn links_have_a_limit_of_their_own() {
    let desk = Desk::new().await.with(|app| app.limits.links = Limit { burst: 1, per_minute: 1 });
    let item = [json!({ "message_id": MessageId([7; 12]), "id": UploadId([7; 16]) })];
    assert_eq!(desk.link(MINJI, &item).await.status, 200);

    let mut profile = desk.profile().await;
    assert_eq!(desk.link(MINJI, &item).await.refusal(), refused(429, "rate_limited"));
    assert_eq!(profile.count().await, 1, "who is refused is not looked up");
}
