//! Closed connections, over a database of its own.

use domain::{SessionId, UserId};
use mongo::Mongo;
use socket::Answer;
use testkit::{Stores, events};

const MINJI: UserId = UserId(1);

#[tokio::test]
async fn closed_connection_is_forgotten() {
    let stores = Stores::without_mysql().await;
    for name in ["phone", "laptop"] {
        stores.connect(MINJI, SessionId::from_bytes([1; 16]), name).await;
    }

    let answer = ws_disconnect::handle(stores.mongo(), events::closed("phone")).await.unwrap();

    assert_eq!(answer, Answer::status(200));
    assert_eq!(stores.connections(MINJI).await, ["laptop"]);
}

#[tokio::test]
async fn unknown_connection_is_no_failure() {
    let stores = Stores::without_mysql().await;

    let answer = ws_disconnect::handle(stores.mongo(), events::closed("nobody")).await.unwrap();

    assert_eq!(answer, Answer::status(200));
}

#[tokio::test]
async fn unavailable_store_is_no_failure() {
    let mongo = Mongo::connect("mongodb://127.0.0.1:1/none?serverSelectionTimeoutMS=50").await.unwrap();

    let answer = ws_disconnect::handle(&mongo, events::closed("phone")).await.unwrap();

    assert_eq!(answer, Answer::status(200));
}
