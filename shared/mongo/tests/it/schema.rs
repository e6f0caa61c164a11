use crate::house::{collection, house};
use mongodb::bson::doc;

#[tokio::test]
async fn a_schema_newer_than_the_code_is_refused() {
    let database = house().await;
    assert!(database.mongo.schema_version().await.unwrap().is_current());
    let schema = collection(&database, "schema").await;
    schema.update_one(doc! {}, doc! { "$set": { "number": 99 } }).await.unwrap();

    assert!(database.mongo.ensure_schema().await.is_err());
}
