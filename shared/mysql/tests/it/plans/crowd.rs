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
    fill_groups(url, 60).await;
}

/// 20,000 people in some groups, most of them in few: the group 1 has 1,000 members, and the person 1 is in 500 groups.
pub(super) async fn gather_groups(url: &str, groups: u32) {
    fill(url, 10_000).await;
    fill_groups(url, groups).await;
}

/// Whoever made a group is in it with somebody else, and somebody has left it.
async fn fill_groups(url: &str, groups: u32) {
    let digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
         UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
    let numbers = format!(
        "(SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS n
          FROM {digits} a, {digits} b, {digits} c, {digits} e, {digits} f) numbers"
    );
    let people = groups / 5;
    let member = "INSERT IGNORE INTO group_room_members
             (group_room_id, user_id, role, state, is_active, joined_at, created_at, updated_at)
         SELECT";
    let now = "NOW(3), NOW(3)";
    let statements = [
        format!(
            "INSERT INTO group_chat_rooms (id, name, is_private, created_by, member_count, created_at, updated_at)
             SELECT n, CONCAT('g', n), n % 3 = 0, 1 + n % 6, 2, {now} FROM {numbers} WHERE n <= {groups}"
        ),
        format!("{member} n, 1 + n % {people}, 'owner', 'active', TRUE, NOW(3), {now} FROM {numbers} WHERE n <= {groups}"),
        format!("{member} n, 1 + (n * 7 + 3) % {people}, 'member', 'active', TRUE, NOW(3), {now} FROM {numbers} WHERE n <= {groups}"),
        format!("{member} n, 1 + (n * 3 + 2) % {people}, 'member', 'left', FALSE, NOW(3), {now} FROM {numbers} WHERE n <= {groups} AND n % 2 = 0"),
        format!("{member} 1, n, 'member', 'active', TRUE, NOW(3), {now} FROM {numbers} WHERE n <= LEAST(1000, {people})"),
        format!("{member} n, 1, 'member', 'active', TRUE, NOW(3), {now} FROM {numbers} WHERE n <= LEAST(500, {groups})"),
        format!(
            "INSERT INTO group_names (group_room_id, kind, word, name_key)
             SELECT n, 'letters', 0, CONCAT(IF(n % 10 = 0, CHAR(97 + n % 26), 'z'), n) FROM {numbers} WHERE n <= {groups}"
        ),
        format!(
            "INSERT INTO group_names (group_room_id, kind, word, name_key)
             SELECT n, 'initials', 0, CONCAT(CHAR(0xE18480 + n % 19 USING utf8mb4), n) FROM {numbers} WHERE n <= {groups} AND n % 3 = 0"
        ),
        format!(
            "INSERT INTO group_room_invites (group_room_id, created_by, code_hash, created_at)
             SELECT n, 1 + n % 6, LPAD(HEX(n), 64, '0'), NOW(3) FROM {numbers} WHERE n <= {groups}"
        ),
        format!(
            "INSERT INTO group_room_events (group_room_id, kind, actor_id, created_at)
             SELECT n, 'room_updated', 1, NOW(3) FROM {numbers} WHERE n <= {groups}"
        ),
        format!(
            "INSERT INTO outbox (aggregate, aggregate_id, created_at) SELECT 'group', n, NOW(3) FROM {numbers} WHERE n <= {groups} / 10"
        ),
        "ANALYZE TABLE group_chat_rooms, group_room_members, group_names, group_room_invites, group_room_events, outbox".to_owned(),
    ];
    for statement in statements {
        // All of it is true, and need not be looked up.
        execute(url, &format!("SET foreign_key_checks = 0; SET unique_checks = 0; {statement}")).await;
    }
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
        "INSERT INTO user_settings (user_id, presence_visibility, updated_at)
         SELECT id, IF(id % 2 = 0, 'nobody', 'friends'), NOW(3) FROM users"
            .to_owned(),
        format!(
            "INSERT INTO mails (email_fold, kind, seed, token_hash, created_at, expires_at, due_at)
             SELECT CONCAT('p', n, '@example.com'), ELT(k, 'verify_email', 'reset_password', 'other'), '',
                    LPAD(LOWER(HEX(n * 3 + k)), 64, '0'), NOW(3), NOW(3) + INTERVAL n SECOND,
                    IF(n % 100 = 0, '2026-01-01' + INTERVAL n SECOND, NULL)
             FROM {pairs}"
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
