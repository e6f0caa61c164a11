use crate::people::{NOON, join};
use domain::SessionId;
use mysql::NewSession;
use sqlx::MySqlPool;
use std::time::Duration;
use testkit::mysql::Database;

#[tokio::test]
async fn a_login_keeps_its_times_and_what_fits_of_its_device() {
    let database = Database::new().await;
    let user = join(&database.mysql, "tom").await;
    let session = NewSession {
        id: SessionId::from_bytes([7; 16]),
        user,
        user_agent: Some("폰".repeat(300)),
        at: NOON,
        expires_at: NOON.plus(Duration::from_hours(90 * 24)),
    };

    database.mysql.sessions().insert(session).await.unwrap();

    let pool = MySqlPool::connect(&database.url).await.unwrap();
    let row: (String, i32, i32, Option<String>, bool) = sqlx::query_as(
        "SELECT id, generation, TIMESTAMPDIFF(DAY, created_at, expires_at), user_agent, revoked_at IS NULL FROM sessions",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(row, ("07".repeat(16), 1, 90, Some("폰".repeat(255)), true));
}
