use crate::{
    house::{Answer, House},
    requests::{ask, asked, two},
};
use axum::http::Method;
use domain::UserId;
use serde_json::{Value, json};

pub(crate) async fn accept(house: &House, by: UserId, id: &Value) -> Answer {
    house.call(by, Method::PUT, format!("/friends/{id}/accept"), &Value::Null).await
}

pub(crate) async fn reject(house: &House, by: UserId, id: &Value) -> Answer {
    house.call(by, Method::PUT, format!("/friends/{id}/reject"), &Value::Null).await
}

pub(crate) async fn end(house: &House, by: UserId, id: &Value) -> Answer {
    house.call(by, Method::DELETE, format!("/friends/{id}"), &Value::Null).await
}

fn gone() -> (u16, String) {
    (404, "friendship_not_found".to_owned())
}

#[tokio::test]
async fn an_accepted_request_is_a_friendship() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let id = asked(&house, minji, junho).await;

    let answer = accept(&house, junho, &id).await;

    assert_eq!((answer.status, &answer.json()["id"], &answer.json()["status"]), (200, &id, &json!("accepted")));
    assert_eq!([house.known(minji).await.friends, house.known(junho).await.friends], [[junho], [minji]]);
}

#[tokio::test]
async fn a_rejected_request_is_over() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let id = asked(&house, minji, junho).await;

    let answer = reject(&house, junho, &id).await;

    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("rejected")));
    assert_eq!(house.get(minji, "/friends/requests?direction=sent").await.json()["items"], json!([]));
    assert_eq!(house.known(minji).await.friends, []);
}

#[tokio::test]
async fn an_answer_given_again_is_answered_again() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let id = asked(&house, minji, junho).await;
    let first = accept(&house, junho, &id).await;

    let again = accept(&house, junho, &id).await;

    assert_eq!((again.status, again.text), (200, first.text));
    assert_eq!(house.known(minji).await.version, 3, "nothing happened the second time");
}

#[tokio::test]
async fn only_the_person_who_was_asked_answers() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let id = asked(&house, minji, junho).await;

    assert_eq!(accept(&house, minji, &id).await.refusal(), (403, "not_addressee".to_owned()));
    assert_eq!(reject(&house, minji, &id).await.refusal(), (403, "not_addressee".to_owned()));
}

#[tokio::test]
async fn a_stranger_learns_as_much_of_a_request_as_of_none() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let stranger = house.join("stranger").await;
    let id = asked(&house, minji, junho).await;
    let unknown = accept(&house, stranger, &json!(999_999)).await;

    assert_eq!(unknown.refusal(), gone());
    for answer in [
        accept(&house, stranger, &id).await,
        reject(&house, stranger, &id).await,
        end(&house, stranger, &id).await,
        end(&house, stranger, &json!(0)).await,
    ] {
        assert_eq!((answer.status, &answer.text), (404, &unknown.text));
    }
    for path in ["/friends/x", "/friends/-1", "/friends/99999999999"] {
        let answer = house.call(stranger, Method::DELETE, path, &Value::Null).await;
        assert_eq!((answer.status, &answer.text), (404, &unknown.text), "{path}");
    }
}

#[tokio::test]
async fn an_answer_that_comes_too_late_finds_nothing() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let rejected = asked(&house, minji, junho).await;
    reject(&house, junho, &rejected).await;
    assert_eq!(accept(&house, junho, &rejected).await.refusal(), gone());

    let accepted = asked(&house, minji, junho).await;
    accept(&house, junho, &accepted).await;
    assert_eq!(reject(&house, junho, &accepted).await.refusal(), gone());
}

#[tokio::test]
async fn a_request_is_taken_back() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let id = asked(&house, minji, junho).await;

    let answer = end(&house, minji, &id).await;

    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_eq!(house.get(junho, "/friends/requests").await.json()["items"], json!([]));
    assert_eq!(accept(&house, junho, &id).await.refusal(), gone());
}

#[tokio::test]
async fn either_of_two_friends_ends_it() {
    for ends in [0, 1] {
        let house = House::new().await;
        let pair = two(&house).await;
        let id = asked(&house, pair[0], pair[1]).await;
        accept(&house, pair[1], &id).await;

        assert_eq!(end(&house, pair[ends], &id).await.status, 204);

        for friend in pair {
            assert_eq!(house.get(friend, "/friends").await.json()["items"], json!([]));
            assert_eq!(house.known(friend).await.friends, []);
        }
    }
}

#[tokio::test]
async fn what_is_over_stays_over() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let id = asked(&house, minji, junho).await;
    end(&house, minji, &id).await;

    for by in [minji, junho] {
        assert_eq!(end(&house, by, &id).await.status, 204);
    }
    assert_eq!(house.known(minji).await.version, 3, "nothing happened again");
}

#[tokio::test]
async fn whoever_asks_anew_gets_another_number() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let old = asked(&house, minji, junho).await;
    reject(&house, junho, &old).await;

    let new = ask(&house, minji, junho).await;

    assert_eq!((new.status, &new.json()["status"]), (201, &json!("pending")));
    assert_ne!(new.json()["id"], old);
}

#[tokio::test]
async fn a_late_answer_to_an_old_request_changes_nothing_of_the_new_one() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let old = asked(&house, minji, junho).await;
    reject(&house, junho, &old).await;
    let new = asked(&house, minji, junho).await;

    for late in [accept(&house, junho, &old).await, reject(&house, junho, &old).await, end(&house, minji, &old).await] {
        assert_eq!(late.refusal(), gone());
    }

    assert_eq!(house.get(junho, "/friends/requests").await.json()["items"][0]["id"], new);
}

#[tokio::test]
async fn whoever_rejected_may_ask_in_turn() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let old = asked(&house, minji, junho).await;
    reject(&house, junho, &old).await;

    let answer = ask(&house, junho, minji).await;

    assert_eq!((answer.status, &answer.json()["user_id_1"]), (201, &json!(junho)));
}

#[tokio::test]
async fn nobody_becomes_a_friend_of_an_account_that_is_gone() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let id = asked(&house, minji, junho).await;
    house.deactivate(minji).await;

    assert_eq!(accept(&house, junho, &id).await.refusal(), gone());
}
