use crate::house::{House, MINJI};

#[tokio::test]
async fn a_logout_ends_its_tokens_at_once() {
    let house = House::new().await;
    house.join(MINJI).await;
    let tokens = house.tokens(MINJI).await;

    let answer = house.log_out(&tokens.access).await;

    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert!(!house.knows(&tokens.access).await);
    assert_eq!(house.refresh(&tokens.refresh).await.refusal(), (401, "refresh_token_invalid".to_owned()));
}

#[tokio::test]
async fn a_logout_leaves_other_devices_alone() {
    let house = House::new().await;
    house.join(MINJI).await;
    let (phone, laptop) = (house.tokens(MINJI).await, house.tokens(MINJI).await);

    house.log_out(&phone.access).await;

    assert!(house.knows(&laptop.access).await);
    assert_eq!(house.refresh(&laptop.refresh).await.status, 200);
}

#[tokio::test]
async fn whoever_is_logged_out_cannot_log_out() {
    let house = House::new().await;
    house.join(MINJI).await;
    let tokens = house.tokens(MINJI).await;
    house.log_out(&tokens.access).await;

    assert_eq!(house.log_out(&tokens.access).await.refusal(), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn a_logout_ends_the_sockets_of_its_session_and_no_other() {
    let house = House::new().await;
    let minji = house.join(MINJI).await;
    let (phone, laptop) = (house.tokens(MINJI).await, house.tokens(MINJI).await);
    house.connect(minji, phone.session(), "phone").await;
    house.connect(minji, laptop.session(), "laptop").await;

    house.log_out(&phone.access).await;

    assert_eq!(house.connections(minji).await, ["laptop"]);
}

#[tokio::test]
async fn a_logout_that_mongodb_did_not_learn_of_is_no_success_and_is_not_forgotten() {
    let house = House::new().await;
    house.join(MINJI).await;
    let tokens = house.tokens(MINJI).await;
    // A column that only the projection reads.
    house.execute("ALTER TABLE sessions CHANGE rotated_at away DATETIME(3) NOT NULL").await;

    let refused = house.log_out(&tokens.access).await;

    assert_eq!(refused.status, 500);
    house.execute("ALTER TABLE sessions CHANGE away rotated_at DATETIME(3) NOT NULL").await;
    assert_eq!(house.log_out(&tokens.access).await.status, 204);
    assert!(!house.knows(&tokens.access).await);
}
