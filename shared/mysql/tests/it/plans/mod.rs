//! How the server goes about each statement.

mod calls;
mod crowd;
mod literals;

use crate::people::NOON;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlConnection, Row as _};
use testkit::{mysql::Database, statements};

/// Who may walk a whole table, and why.
const WALKS: &[(&str, &str)] = &[
    // Each of two walks along an index ends at its limit.
    ("SELECT aggregate, aggregate_id FROM ((SELECT", "outbox"),
    // A rebuild goes over everything, in steps that end at their limit.
    ("SELECT id, version FROM users WHERE id > ?", "users"),
    ("SELECT id, version, user_id_1, user_id_2 FROM chat_rooms WHERE id > ?", "chat_rooms"),
    ("SELECT id, version, NULL, NULL FROM group_chat_rooms WHERE id > ?", "group_chat_rooms"),
    // Ends at the first row.
    ("SELECT created_at FROM outbox ORDER BY id LIMIT 1", "outbox"),
    // For operators and tests.
    ("SELECT COUNT(*) FROM outbox", "outbox"),
    // A row lives for some minutes.
    (
        "SELECT user_id, step, position, created_at, closed_at FROM account_deletions WHERE tried_at",
        "account_deletions",
    ),
    // Of the index of public groups as much as a page has, in its order; see below.
    (
        "SELECT r.id, r.name, r.description, r.is_private, r.max_members, r.wide_mentions, r.member_count, r.picture_id, r.picture_hash, r.created_at, r.updated_at, m.user_id, m.role, m.state, m.joined_at FROM group_chat_rooms r FORCE INDEX",
        "group_chat_rooms",
    ),
    // Asks for those whom nobody can search yet, in steps.
    ("SELECT u.id, u.username, u.display_name FROM users u", "users"),
];

/// The tables that grow.
const TABLES: &[&str] = &[
    "users",
    "user_names",
    "friendships",
    "block_users",
    "sessions",
    "outbox",
    "chat_rooms",
    "mails",
    "user_settings",
    "group_chat_rooms",
    "group_room_members",
    "group_names",
    "group_room_invites",
    "group_room_events",
];

/// More rows than a page needs, and fewer than any table of the crowd has.
const MANY: u64 = 5_000;

/// One table's part in a plan.
#[derive(Debug)]
struct Step {
    table: String,
    /// `ALL` for a whole table, `index` for a whole index.
    access: String,
    key: Option<String>,
    /// As many as the server expects to read, if nothing stops it.
    rows: u64,
    notes: String,
}

/// The statements that some work sends and the server can explain, each once.
async fn statements_of(work: impl AsyncFnOnce()) -> Vec<String> {
    let mut statements = statements(work).await;
    statements.retain(|text| ["SELECT", "(SELECT", "UPDATE", "DELETE"].iter().any(|verb| text.starts_with(verb)));
    statements.sort();
    statements.dedup();
    statements
}

/// The statements of every operation.
async fn all_statements(database: &Database) -> Vec<String> {
    statements_of(async || {
        calls::make(&database.mysql).await;
        calls::make_of_groups(&database.mysql).await;
    })
    .await
}

/// What the server would do for a statement; nothing of it is done.
async fn explain(connection: &mut MySqlConnection, statement: &str) -> Vec<Step> {
    let text = format!("EXPLAIN {}", literals::bound(statement));
    let rows = sqlx::raw_sql(AssertSqlSafe(text)).fetch_all(connection).await.unwrap();
    let word = |row: &sqlx::mysql::MySqlRow, name: &str| row.get::<Option<String>, _>(name);
    rows.iter()
        .map(|row| Step {
            table: word(row, "table").unwrap_or_default(),
            access: word(row, "type").unwrap_or_default(),
            key: word(row, "key"),
            rows: word(row, "rows").and_then(|rows| rows.parse().ok()).unwrap_or_default(),
            notes: word(row, "Extra").unwrap_or_default(),
        })
        .collect()
}

impl Step {
    /// The union of two arms is a temporary table, no larger than its arms.
    fn walks(&self) -> bool {
        (matches!(self.access.as_str(), "ALL" | "index") || self.rows > MANY) && !self.table.starts_with('<')
    }
}

/// The real table behind an alias.
fn table<'a>(statement: &'a str, alias: &'a str) -> &'a str {
    let mut words = statement.split_whitespace().peekable();
    while let Some(word) = words.next() {
        if words.peek().is_some_and(|next| next.trim_matches(|c| "(),".contains(c)) == alias) && TABLES.contains(&word)
        {
            return word;
        }
    }
    alias
}

#[tokio::test]
async fn queries_on_growing_tables_use_an_index() {
    let database = Database::new().await;
    crowd::gather_groups(&database.url, 100_000).await;
    let statements = all_statements(&database).await;
    let mut connection = MySqlConnection::connect(&database.url).await.unwrap();
    let mut wrong = Vec::new();

    for statement in &statements {
        for step in explain(&mut connection, statement).await {
            let may_walk =
                WALKS.iter().any(|(begin, of)| statement.starts_with(begin) && *of == table(statement, &step.table));
            if step.walks() && !may_walk {
                wrong.push(format!("{step:?} in {statement}"));
            }
        }
    }

    assert!(statements.len() >= 60, "only {} statements were heard of", statements.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(WALKS.iter().all(|(begin, _)| statements.iter().any(|statement| statement.starts_with(begin))));
}

#[tokio::test]
async fn locking_statements_use_an_index_on_small_tables() {
    let database = Database::new().await;
    crowd::gather_few(&database.url).await;
    let statements = all_statements(&database).await;
    let mut connection = MySqlConnection::connect(&database.url).await.unwrap();
    let locks = |statement: &&String| !statement.starts_with("SELECT") || statement.ends_with("FOR UPDATE");
    let mut wrong = Vec::new();

    for statement in statements.iter().filter(locks) {
        let steps = explain(&mut connection, statement).await;
        wrong.extend(steps.iter().filter(|step| step.walks()).map(|step| format!("{step:?} in {statement}")));
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test]
async fn search_reads_its_index_in_order() {
    let database = Database::new().await;
    crowd::gather(&database.url).await;
    let statements = statements_of(async || calls::search(&database.mysql).await).await;
    let mut connection = MySqlConnection::connect(&database.url).await.unwrap();

    for statement in &statements {
        let steps = explain(&mut connection, statement).await;

        assert_eq!(
            (steps[0].table.as_str(), steps[0].key.as_deref()),
            ("n", Some("user_names_search_idx")),
            "{steps:#?}"
        );
        assert!(steps.iter().all(|step| !step.notes.contains("filesort")), "{steps:#?}");
    }
}

#[tokio::test]
async fn lists_of_groups_and_members_read_their_index_in_order() {
    let database = Database::new().await;
    crowd::gather_groups(&database.url, 10_000).await;
    let found = statements_of(async || calls::find_groups(&database.mysql).await).await;
    let members = statements_of(async || calls::members(&database.mysql).await).await;
    let pages = members.iter().filter(|statement| statement.ends_with("LIMIT ?"));
    let mut connection = MySqlConnection::connect(&database.url).await.unwrap();

    let mut keys = Vec::new();
    for statement in found.iter().chain(pages) {
        let steps = explain(&mut connection, statement).await;

        assert!(steps.iter().all(|step| !step.notes.contains("filesort")), "{steps:#?} in {statement}");
        keys.push(steps[0].key.clone().unwrap_or_default());
    }

    keys.sort_unstable();
    keys.dedup();
    assert_eq!(
        keys,
        [
            "group_chat_rooms_public_idx",
            "group_names_search_idx",
            "group_room_members_groups_idx",
            "group_room_members_state_idx"
        ]
    );
}

#[tokio::test]
async fn list_of_a_full_outbox_reads_no_more_than_its_limits() {
    let database = Database::new().await;
    crowd::gather(&database.url).await;
    for step in [
        "UPDATE outbox SET tried_at = '2026-01-01' WHERE id % 2",
        "INSERT INTO outbox (aggregate, aggregate_id, created_at, tried_at)
         SELECT aggregate, aggregate_id + k.n, created_at, tried_at FROM outbox, (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3) k",
        "ANALYZE TABLE outbox",
    ] {
        testkit::mysql::execute(&database.url, step).await;
    }
    assert!(database.mysql.outbox().count().await.unwrap() >= 100_000);
    let listing = async || drop(database.mysql.outbox().list(31, NOON).await.unwrap());
    let [statement] = &statements_of(listing).await[..] else { unreachable!("one statement") };
    let mut connection = MySqlConnection::connect(&database.url).await.unwrap();

    let steps = explain(&mut connection, statement).await;
    connection.execute("FLUSH STATUS").await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(literals::bound(statement))).fetch_all(&mut connection).await.unwrap();
    let reads = "SHOW SESSION STATUS WHERE Variable_name IN ('Handler_read_next', 'Handler_read_prev', 'Handler_read_rnd_next')";
    let reads = sqlx::raw_sql(reads).fetch_all(&mut connection).await.unwrap();

    let walks: Vec<_> = steps.iter().filter(|step| step.table == "outbox").collect();
    assert_eq!(walks.iter().map(|step| step.key.as_deref()).collect::<Vec<_>>(), [Some("outbox_tried_idx"); 2]);
    assert!(walks.iter().all(|step| !step.notes.contains("filesort")), "{steps:#?}");
    let read: u64 = reads.iter().map(|row| row.get::<String, _>("Value").parse::<u64>().unwrap()).sum();
    assert!(read < 300, "{read} rows were read");
}
