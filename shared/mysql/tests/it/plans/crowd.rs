use testkit::mysql::execute;

/// The numbers from 0 to 9999.
const NUMBERS: &str =
    "(SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n FROM digits a, digits b, digits c, digits e) numbers";

/// 20,000 people of whom many know each other: enough for the optimizer to want its indexes.
pub(super) async fn gather(url: &str) {
    fill(url, 10_000).await;
}

/// As many rows as a new deployment has.
pub(super) async fn gather_few(url: &str) {
    fill(url, 6).await;
}

/// The first pair of everything has the number 1 and is of the people 1 and 2.
async fn fill(url: &str, people: u32) {
    let some = format!("{NUMBERS} WHERE n < {people}");
    let pairs = format!(
        "{NUMBERS} CROSS JOIN (SELECT 1 AS k UNION ALL SELECT 2 UNION ALL SELECT 3) steps WHERE n < {people} - 3"
    );
    let statements = [
        "CREATE TABLE digits (d INT NOT NULL) SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
         UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9"
            .to_owned(),
        format!(
            "INSERT INTO users (id, email, email_fold, password_hash, username, username_fold, username_skeleton,
                                display_name, created_at, updated_at)
             SELECT n + 1, CONCAT('p', n, '@example.com'), CONCAT('p', n, '@example.com'), 'hash', CONCAT(CHAR(97 + n % 26), n),
                    CONCAT(CHAR(97 + n % 26), n), CONCAT(CHAR(97 + n % 26), n), IF(n % 2 = 0, CONCAT(CHAR(97 + n % 17), n), NULL), NOW(3), NOW(3)
             FROM {some}"
        ),
        "INSERT INTO users (email, email_fold, password_hash, username, username_fold, username_skeleton, created_at, updated_at)
         SELECT CONCAT('q', email), CONCAT('q', email), 'hash', CONCAT(username, 'x'), CONCAT(username, 'x'), CONCAT(username, 'x'), NOW(3), NOW(3)
         FROM users
         ORDER BY id"
            .to_owned(),
        "INSERT INTO user_names (user_id, source, kind, name_key) SELECT id, 'username', 'letters', username FROM users".to_owned(),
        "INSERT INTO user_names (user_id, source, kind, name_key)
         SELECT id, 'display_name', 'letters', display_name FROM users WHERE display_name IS NOT NULL"
            .to_owned(),
        "INSERT INTO user_names (user_id, source, kind, name_key)
         SELECT id, 'display_name', 'initials', CHAR(0xE18480 + id % 19 USING utf8mb4) FROM users WHERE id % 3 = 0"
            .to_owned(),
        format!(
            "INSERT INTO friendships (id, user_id_1, user_id_2, status, created_at, updated_at)
             SELECT n * 3 + k, IF(n % 2 = 0, n + 1, n + 1 + k), IF(n % 2 = 0, n + 1 + k, n + 1), IF(k = 1, 'pending', 'accepted'), NOW(3), NOW(3)
             FROM {pairs}"
        ),
        format!("INSERT INTO block_users (user_id, blocked_user_id, created_at) SELECT n + 1, n + 1 + k, NOW(3) FROM {pairs}"),
        format!("INSERT INTO chat_rooms (id, user_id_1, user_id_2, created_at, updated_at) SELECT n * 3 + k, n + 1, n + 1 + k, NOW(3), NOW(3) FROM {pairs}"),
        format!(
            "INSERT INTO sessions (id, user_id, created_at, rotated_at, last_used_at, expires_at)
             SELECT LPAD(LOWER(HEX(n * 3 + k)), 32, '0'), n + 1, NOW(3), NOW(3), NOW(3), NOW(3) FROM {pairs}"
        ),
        format!(
            "INSERT INTO outbox (aggregate, aggregate_id, created_at)
             SELECT ELT(k, 'user', 'private', 'sessions'), n + 1, NOW(3) FROM {pairs}"
        ),
        "DROP TABLE digits".to_owned(),
        "ANALYZE TABLE users, user_names, friendships, block_users, chat_rooms, sessions, outbox".to_owned(),
    ];
    for statement in statements {
        execute(url, &statement).await;
    }
}
