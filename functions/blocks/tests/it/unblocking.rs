use crate::{
    blocking::{block, two},
    house::{Answer, House},
};
use axum::http::Method;
use domain::{Code, UserId};
use serde_json::{Value, json};

pub(crate) async fn unblock(house: &House, by: UserId, blocked: impl std::fmt::Display) -> Answer {
    house.call(by, Method::DELETE, format!("/blocks/{blocked}"), &Value::Null).await
}

#[tokio::test]
async fn an_unblocked_person_is_blocked_no_more() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    block(&house, minji, junho).await;

    let answer = unblock(&house, minji, junho).await;

    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_eq!(house.get(minji, "/blocks").await.json()["items"], json!([]));
    assert_eq!(house.known(minji).await.blocked, []);
}

#[tokio::test]
async fn whoever_is_not_blocked_and_nobody_are_unblocked_alike() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    block(&house, minji, junho).await;
    unblock(&house, minji, junho).await;

    for other in [junho, minji, UserId(999_999)] {
        assert_eq!(unblock(&house, minji, other).await.status, 204, "{other}");
    }
    assert_eq!(house.known(minji).await.version, 3, "nothing happened again");
}

#[tokio::test]
async fn what_is_no_number_is_nobodys() {
    let house = House::new().await;
    let [minji, _] = two(&house).await;

    for id in ["x", "-1", "01", "99999999999"] {
        assert_eq!(unblock(&house, minji, id).await.refusal(), (404, "user_not_found".to_owned()), "{id}");
    }
}

#[tokio::test]
async fn an_unblocked_room_is_open_to_writing() {
    let house = House::new().await;
    let pair = two(&house).await;
    let room = house.open_room(pair).await;
    block(&house, pair[0], pair[1]).await;

    unblock(&house, pair[0], pair[1]).await;

    let access = house.access(room).await;
    assert!(pair.iter().all(|user| access.admit_writer(*user).is_ok()));
}

#[tokio::test]
async fn a_room_of_two_blocks_opens_with_the_last_of_them() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let room = house.open_room([minji, junho]).await;
    block(&house, minji, junho).await;
    block(&house, junho, minji).await;

    unblock(&house, minji, junho).await;
    assert_eq!(house.access(room).await.admit_writer(minji), Err(Code::RecipientUnavailable));

    unblock(&house, junho, minji).await;
    assert!(house.access(room).await.admit_writer(minji).is_ok());
}

#[tokio::test]
async fn nobody_takes_anothers_block_away() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    block(&house, minji, junho).await;

    assert_eq!(unblock(&house, junho, minji).await.status, 204);

    assert_eq!(house.known(minji).await.blocked, [junho]);
}
