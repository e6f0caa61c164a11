use domain::{Code, are_credentials_stale};
use mysql::Mysql;
use testkit::mysql::Database;

#[tokio::test]
async fn refused_login_is_unavailable_and_marks_the_process() {
    let database = Database::new().await;
    let url = database.url_of("chat_health").await.replace(":...@", ":hush@");

    let fault = Mysql::connect(&url, 1).unwrap().schema().status().await.unwrap_err();

    assert_eq!(fault.code, Code::Unavailable);
    assert!(are_credentials_stale());
    assert!(!format!("{fault:?}").contains("hush"));
}
