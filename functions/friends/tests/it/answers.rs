use crate::requests::{ask, asked, two};
use axum::http::Method;
use domain::{Clock, SessionId, Timestamp, UserId};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, Door, NOON};

pub(crate) async fn accept(door: &Door, by: UserId, id: &Value) -> Answer {
    door.call(by, Method::PUT, format!("/friends/{id}/accept"), &Value::Null).await
}

pub(crate) async fn reject(door: &Door, by: UserId, id: &Value) -> Answer {
    door.call(by, Method::PUT, format!("/friends/{id}/reject"), &Value::Null).await
}

pub(crate) async fn end(door: &Door, by: UserId, id: &Value) -> Answer {
    door.call(by, Method::DELETE, format!("/friends/{id}"), &Value::Null).await
}

fn gone() -> (u16, String) {
    (404, "friendship_not_found".to_owned())
}

#[tokio::test]
async fn accepted_request_makes_a_friendship() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let id = asked(&door, minji, junho).await;

    let answer = accept(&door, junho, &id).await;

    assert_eq!((answer.status, &answer.json()["id"], &answer.json()["status"]), (200, &id, &json!("accepted")));
    assert_eq!([door.known(minji).await.friends, door.known(junho).await.friends], [[junho], [minji]]);
}

#[tokio::test]
async fn rejected_request_is_closed() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let id = asked(&door, minji, junho).await;

    let answer = reject(&door, junho, &id).await;

    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("rejected")));
    assert_eq!(door.get(minji, "/friends/requests?direction=sent").await.json()["items"], json!([]));
    assert_eq!(door.known(minji).await.friends, []);
}

#[tokio::test]
async fn repeated_answer_is_idempotent() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let id = asked(&door, minji, junho).await;
    let first = accept(&door, junho, &id).await;

    let again = accept(&door, junho, &id).await;

    assert_eq!((again.status, again.text), (200, first.text));
    assert_eq!(door.known(minji).await.version, 3, "nothing happened the second time");
}

#[tokio::test]
async fn only_the_addressee_answers_a_request() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let id = asked(&door, minji, junho).await;

    assert_eq!(accept(&door, minji, &id).await.refusal(), (403, "not_addressee".to_owned()));
    assert_eq!(reject(&door, minji, &id).await.refusal(), (403, "not_addressee".to_owned()));
}

#[tokio::test]
async fn stranger_gets_the_answer_of_an_unknown_request() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let stranger = door.join("stranger").await;
    let id = asked(&door, minji, junho).await;
    let unknown = accept(&door, stranger, &json!(999_999)).await;

    assert_eq!(unknown.refusal(), gone());
    for answer in [
        accept(&door, stranger, &id).await,
        reject(&door, stranger, &id).await,
        end(&door, stranger, &id).await,
        end(&door, stranger, &json!(0)).await,
    ] {
        assert_eq!((answer.status, &answer.text), (404, &unknown.text));
    }
    for path in ["/friends/x", "/friends/-1", "/friends/99999999999"] {
        let answer = door.call(stranger, Method::DELETE, path, &Value::Null).await;
        assert_eq!((answer.status, &answer.text), (404, &unknown.text), "{path}");
    }
}

#[tokio::test]
async fn second_contrary_answer_finds_no_request() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let rejected = asked(&door, minji, junho).await;
    end(&door, minji, &rejected).await;
    assert_eq!(accept(&door, junho, &rejected).await.refusal(), gone());

    let accepted = asked(&door, minji, junho).await;
    accept(&door, junho, &accepted).await;
    assert_eq!(reject(&door, junho, &accepted).await.refusal(), gone());
}

#[tokio::test]
async fn requester_can_withdraw_a_request() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let id = asked(&door, minji, junho).await;

    let answer = end(&door, minji, &id).await;

    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_eq!(door.get(junho, "/friends/requests").await.json()["items"], json!([]));
    assert_eq!(accept(&door, junho, &id).await.refusal(), gone());
}

#[tokio::test]
async fn either_friend_can_unfriend() {
    for ends in [0, 1] {
        let door = Door::new(friends::routes).await;
        let pair = two(&door).await;
        let id = asked(&door, pair[0], pair[1]).await;
        accept(&door, pair[1], &id).await;

        assert_eq!(end(&door, pair[ends], &id).await.status, 204);

        for friend in pair {
            assert_eq!(door.get(friend, "/friends").await.json()["items"], json!([]));
            assert_eq!(door.known(friend).await.friends, []);
        }
    }
}

#[tokio::test]
async fn ending_a_friendship_twice_is_idempotent() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let id = asked(&door, minji, junho).await;
    end(&door, minji, &id).await;

    for by in [minji, junho] {
        assert_eq!(end(&door, by, &id).await.status, 204);
    }
    assert_eq!(door.known(minji).await.version, 3, "nothing happened again");
}

#[tokio::test]
async fn new_request_gets_a_new_id() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let old = asked(&door, minji, junho).await;
    end(&door, minji, &old).await;

    let new = ask(&door, minji, junho).await;

    assert_eq!((new.status, &new.json()["status"]), (201, &json!("pending")));
    assert_ne!(new.json()["id"], old);
}

#[tokio::test]
async fn late_answer_to_old_request_keeps_the_new_one() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let old = asked(&door, minji, junho).await;
    end(&door, minji, &old).await;
    let new = asked(&door, minji, junho).await;

    for late in [accept(&door, junho, &old).await, reject(&door, junho, &old).await, end(&door, minji, &old).await] {
        assert_eq!(late.refusal(), gone());
    }

    assert_eq!(door.get(junho, "/friends/requests").await.json()["items"][0]["id"], new);
}

#[tokio::test]
async fn rejecting_user_can_send_a_request() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let old = asked(&door, minji, junho).await;
    reject(&door, junho, &old).await;

    let answer = ask(&door, junho, minji).await;

    assert_eq!((answer.status, &answer.json()["user_id_1"]), (201, &json!(junho)));
}

#[tokio::test]
async fn request_of_deleted_account_cannot_be_accepted() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let id = asked(&door, minji, junho).await;
    door.deactivate(minji).await;

    assert_eq!(accept(&door, junho, &id).await.refusal(), gone());
}

fn a_day_later() -> Timestamp {
    NOON.plus(Duration::from_hours(24))
}

/// What Junho was told on his socket, by the word for it.
fn told(door: &Door) -> Vec<String> {
    door.pushes.frames("junho").iter().map(|frame| frame["t"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn request_after_a_rejection_is_quiet_for_a_day() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let id = asked(&door, minji, junho).await;
    reject(&door, junho, &id).await;
    for (user, name) in [(minji, "minji"), (junho, "junho")] {
        door.connect(user, SessionId::from_bytes([1; 16]), name).await;
    }
    let version = door.known(junho).await.version;

    let again = ask(&door, minji, junho).await;

    assert_eq!((again.status, &again.json()["id"], &again.json()["status"]), (201, &id, &json!("pending")));
    assert_eq!(ask(&door, minji, junho).await.status, 200, "it stands");
    assert_eq!((told(&door), door.pushes.frames("minji").len()), (vec![], 1));
    assert_eq!(door.known(junho).await.version, version);
    assert_eq!(door.get(minji, "/friends/requests?direction=sent").await.json()["items"][0]["id"], id);
    assert_eq!(door.get(junho, "/friends/requests").await.json()["items"], json!([]));
    let later = door.with(|backend| backend.clock = Clock(a_day_later));
    let token = door.tokens().issue(junho, &SessionId::from_bytes([1; 16]), a_day_later()).unwrap();
    let requests = later.ask(Method::GET, "/friends/requests", Some(&token), &Value::Null).await.json();
    assert_eq!(requests["items"][0]["id"], id);
}

#[tokio::test]
async fn withdrawing_and_asking_again_stays_quiet() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let id = asked(&door, minji, junho).await;
    reject(&door, junho, &id).await;
    door.connect(junho, SessionId::from_bytes([1; 16]), "junho").await;
    let version = door.known(junho).await.version;

    for _ in 0..3 {
        assert_eq!(asked(&door, minji, junho).await, id);
        assert_eq!(end(&door, minji, &id).await.status, 204);
    }
    asked(&door, minji, junho).await;

    assert_eq!(door.get(junho, "/friends/requests").await.json()["items"], json!([]));
    assert_eq!((told(&door), door.known(junho).await.version), (vec![], version));
}

#[tokio::test]
async fn rejecting_user_may_become_a_friend_later() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let id = asked(&door, minji, junho).await;
    reject(&door, junho, &id).await;
    asked(&door, minji, junho).await;

    let answer = ask(&door, junho, minji).await;

    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("accepted")));
}

#[tokio::test]
async fn refused_and_repeated_answers_wait_for_nobody() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let stranger = door.join("stranger").await;
    let id = asked(&door, minji, junho).await;
    let _held = door.hold(&[minji, junho]).await;

    for answer in
        [accept(&door, stranger, &id).await, reject(&door, stranger, &id).await, end(&door, stranger, &id).await]
    {
        assert_eq!(answer.refusal(), gone());
    }
    assert_eq!(accept(&door, minji, &id).await.refusal(), (403, "not_addressee".to_owned()));
    assert_eq!(ask(&door, minji, junho).await.status, 200);
    assert_eq!(ask(&door, minji, 999_999).await.status, 404);
}

#[tokio::test]
async fn repeated_end_waits_for_nobody() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let id = asked(&door, minji, junho).await;
    end(&door, minji, &id).await;
    let _held = door.hold(&[minji, junho]).await;

    assert_eq!(end(&door, minji, &id).await.status, 204);
}
