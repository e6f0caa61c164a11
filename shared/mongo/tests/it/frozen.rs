use crate::scene::{ANNA, AT, scene};
use domain::{ConnectionId, Limit, Random, SessionId};
use mongo::{Arrival, Bucket, Effect, Mongo, Passage};
use testkit::proxy::Proxy;

const LIMIT: Limit = Limit { burst: 600, per_minute: 1 };

/// A store whose connections died while its environment was frozen.
async fn thawed(url: &str) -> (Proxy, Mongo) {
    let (proxy, url) = Proxy::before(url).await;
    let mongo = Mongo::connect(&format!("{url}&directConnection=true")).await.unwrap();
    mongo.warm_up().await.unwrap();
    proxy.drop_connections().await;
    (proxy, mongo)
}

#[tokio::test]
async fn first_step_of_a_request_survives_dead_connections() {
    let database = scene().await;
    let session = SessionId("live".to_owned());
    let ticket = database.mongo.tickets().insert("t", ANNA, &session, AT);
    ticket.await.unwrap();

    let (_change, mongo) = thawed(&database.url).await;
    assert_eq!(mongo.gates().pass(ANNA, &session, Bucket::Changes, LIMIT).await.unwrap(), Passage::Open);
    let (_read, mongo) = thawed(&database.url).await;
    let uncounted = Random(|bytes| bytes.fill(1));
    assert_eq!(mongo.gates().pass_read(ANNA, &session, LIMIT, uncounted).await.unwrap(), Passage::Open);
    let (_login, mongo) = thawed(&database.url).await;
    mongo.limits().spend("login:x", LIMIT).await.unwrap();
    let (_frame, mongo) = thawed(&database.url).await;
    let unknown = ConnectionId("unknown".to_owned());
    let arrival = Arrival { connection: &unknown, locale: None, cost: 1, effect: Effect::Alive, at: AT };
    assert!(mongo.connections().touch(arrival, LIMIT).await.unwrap().is_none());
    let (_connect, mongo) = thawed(&database.url).await;
    assert!(mongo.tickets().burn("t", AT).await.is_ok());
}
