use domain::{Code, are_credentials_stale};
use mongo::Mongo;
use testkit::mongo::Database;

#[tokio::test]
async fn refused_login_is_unavailable_and_marks_the_process() {
    let database = Database::empty().await;
    let mongo = Mongo::connect(&database.url.replace("://", "://nobody:hush@")).await.unwrap();

    let fault = mongo.warm_up().await.unwrap_err();

    assert_eq!(fault.code, Code::Unavailable);
    assert!(are_credentials_stale());
    assert!(!format!("{fault:?}").contains("hush"));
}
