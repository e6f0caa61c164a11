//! Tokens that push services take for a while.

use domain::{ProviderToken, Timestamp};
use testkit::mongo::Database;
use tokio::task::JoinSet;

fn token(text: &str, millis: i64) -> ProviderToken {
    ProviderToken { token: text.to_owned(), issued_at: Timestamp::from_millis(millis) }
}

#[tokio::test]
async fn token_takes_the_place_of_the_one_that_was_known() {
    let database = Database::new().await;
    let tokens = database.mongo.provider_tokens();
    let (first, second, third) = (token("a", 1_000), token("b", 2_000), token("c", 3_000));

    assert_eq!(tokens.find("apns").await.unwrap(), None);
    assert_eq!(tokens.replace("apns", &first, None).await.unwrap(), first);
    assert_eq!(tokens.replace("apns", &second, Some(first.issued_at)).await.unwrap(), second);
    // It knows of the first one only.
    assert_eq!(tokens.replace("apns", &third, Some(first.issued_at)).await.unwrap(), second);
    assert_eq!(tokens.find("apns").await.unwrap(), Some(second));
    assert_eq!(tokens.find("fcm").await.unwrap(), None);
}

#[tokio::test]
async fn twenty_who_bring_a_token_at_once_get_the_same_one() {
    let database = Database::new().await;
    let mut bringing = JoinSet::new();
    for number in 0..20 {
        let mongo = database.mongo.clone();
        let brought = token(&format!("token {number}"), 1_000 + number);
        bringing.spawn(async move { mongo.provider_tokens().replace("apns", &brought, None).await.unwrap() });
    }

    let told = bringing.join_all().await;

    let kept = database.mongo.provider_tokens().find("apns").await.unwrap().unwrap();
    assert_eq!(told, vec![kept; 20]);
}
