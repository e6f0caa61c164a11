use crate::{Desk, HASH, MIB, MINJI, picture, refused, video};
use domain::UploadId;
use serde_json::{Value, json};
use testkit::Answer;

fn parts(numbers: &[u16]) -> Value {
    let parts: Vec<_> = numbers.iter().map(|number| json!({ "number": number, "sha256": HASH })).collect();
    json!({ "parts": parts })
}

impl Desk {
    async fn ask_for(&self, id: UploadId, numbers: &[u16]) -> Answer {
        self.post(MINJI, format!("/uploads/{id}/parts"), &parts(numbers)).await
    }

    /// The store's name of the only upload in parts that is under way.
    fn multipart(&self) -> String {
        let [multipart] = self.s3.multiparts().try_into().unwrap();
        multipart
    }
}

#[tokio::test]
async fn large_file_comes_in_parts() {
    let desk = Desk::new().await;
    let made = desk.create(MINJI, &video("c")).await.json();
    assert_eq!((&made["put"], &made["received"]), (&Value::Null, &json!([])));
    assert_eq!(made["parts"], json!({ "size": 8 * MIB, "count": 3 }));
    let id = made["id"].as_str().unwrap().parse().unwrap();

    let asked = desk.ask_for(id, &[3, 1]).await;

    let items = asked.json()["items"].clone();
    let numbers: Vec<_> = items.as_array().unwrap().iter().map(|item| item["number"].as_u64().unwrap()).collect();
    assert_eq!((asked.status, numbers), (200, vec![3, 1]));
    assert_eq!(items[0]["headers"]["content-length"], MIB.to_string());
    assert_eq!(items[1]["headers"]["content-length"], (8 * MIB).to_string());
    assert!(items[0]["url"].as_str().unwrap().contains("partNumber=3"), "{items}");
}

#[tokio::test]
async fn interrupted_upload_goes_on_with_the_missing_parts() {
    let desk = Desk::new().await;
    let id = desk.begin(&video("c")).await;
    desk.ask_for(id, &[1, 2]).await;
    let multipart = desk.multipart();
    desk.s3.upload_part(&multipart, 2, 8 * MIB);
    // Of another size than its number has.
    desk.s3.upload_part(&multipart, 1, 8 * MIB - 1);

    assert_eq!(desk.show(MINJI, id).await.json()["received"], json!([2]));
    let incomplete = desk.complete(MINJI, id).await;
    assert_eq!(incomplete.refusal(), refused(409, "upload_incomplete"));
    let errors = incomplete.json()["errors"].clone();
    let missing: Vec<_> = errors.as_array().unwrap().iter().map(|error| error["field"].clone()).collect();
    assert_eq!(missing, ["parts.1", "parts.3"]);

    desk.s3.upload_part(&multipart, 1, 8 * MIB);
    desk.s3.upload_part(&multipart, 3, MIB);
    let complete = desk.complete(MINJI, id).await;
    assert_eq!((complete.status, &complete.json()["state"]), (200, &json!("uploaded")), "{}", complete.text);
    assert!(desk.s3.has_upload(id));
    assert_eq!(desk.complete(MINJI, id).await.json(), complete.json());
    assert_eq!(desk.ask_for(id, &[1]).await.refusal(), refused(409, "upload_arrived"));
}

#[tokio::test]
async fn file_without_a_part_is_not_whole() {
    let desk = Desk::new().await;
    let id = desk.begin(&video("c")).await;
    let incomplete = desk.complete(MINJI, id).await;
    assert_eq!(incomplete.refusal(), refused(409, "upload_incomplete"));
    assert_eq!(incomplete.json()["errors"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn crash_after_assembling_parts_completes_later() {
    let desk = Desk::new().await;
    let id = desk.begin(&video("c")).await;
    desk.ask_for(id, &[1]).await;
    // Neither the answer nor the note of it was made.
    desk.app().files.abort_parts(id, &desk.multipart()).await.unwrap();
    desk.s3.upload(id, 17 * MIB);

    assert_eq!(desk.complete(MINJI, id).await.json()["state"], "uploaded");
}

#[tokio::test]
async fn twenty_concurrent_requests_begin_parts_once() {
    let desk = Desk::new().await;
    let id = desk.begin(&video("c")).await;

    let answers = desk.at_once(20, format!("/uploads/{id}/parts"), |_| parts(&[1])).await;

    let multipart = desk.multipart();
    for answer in answers {
        let url = answer.json()["items"][0]["url"].as_str().unwrap().to_owned();
        assert!(url.contains(&multipart), "{url}");
    }
}

#[tokio::test]
async fn twenty_concurrent_completions_of_parts_agree() {
    let desk = Desk::new().await;
    let id = desk.begin(&video("c")).await;
    desk.ask_for(id, &[1, 2, 3]).await;
    let multipart = desk.multipart();
    for (number, size) in [(1, 8 * MIB), (2, 8 * MIB), (3, MIB)] {
        desk.s3.upload_part(&multipart, number, size);
    }

    for answer in desk.at_once(20, format!("/uploads/{id}/complete"), |_| Value::Null).await {
        assert_eq!((answer.status, &answer.json()["state"]), (200, &json!("uploaded")), "{}", answer.text);
    }
}

#[tokio::test]
async fn small_file_has_no_parts() {
    let desk = Desk::new().await;
    let id = desk.begin(&picture("c")).await;
    let answer = desk.ask_for(id, &[1]).await;
    assert_eq!(answer.refusal(), refused(422, "invalid_fields"));
    assert_eq!(answer.json()["errors"][0]["field"], "parts");
}

#[tokio::test]
async fn part_that_the_file_does_not_have_is_refused() {
    let desk = Desk::new().await;
    let id = desk.begin(&video("c")).await;
    for numbers in [&[][..], &[0], &[4], &[1, 1], &[1; 21]] {
        assert_eq!(desk.ask_for(id, numbers).await.refusal(), refused(422, "invalid_fields"), "{numbers:?}");
    }
    assert_eq!(desk.s3.multiparts().len(), 0);
}
