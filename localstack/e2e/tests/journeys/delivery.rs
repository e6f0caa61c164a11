//! What happens after the answer.

use domain::MessageId;
use e2e::TestStack;
use mongo::Mongo;
use serde_json::Value;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Waits until the pushes of a message, which come after the answer, were tried and noted.
pub(crate) async fn pushed(stack: &TestStack, message: &Value) {
    let id: MessageId = message["id"].as_str().unwrap_or_default().parse().unwrap_or_else(|_| unreachable!("an id"));
    let is_tried = async {
        let mongo = Mongo::connect(stack.mongo_url()).await?;
        while mongo.messages().find(id).await?.is_some_and(|row| row.fanout.is_some_and(|owed| !owed.released)) {
            sleep(Duration::from_millis(10)).await;
        }
        Ok::<_, domain::Fault>(())
    };
    let tried = timeout(Duration::from_secs(20), is_tried).await;
    assert!(matches!(tried, Ok(Ok(()))), "{tried:?}");
}
