use sqlx::MySqlPool;
use std::fmt::Write as _;
use testkit::mysql::Database;

const ARCHITECTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ARCHITECTURE.md");

/// A column: its table, name, type and keys as the diagram writes them. Integers lose their display width, which MySQL no
/// longer shows; nullable columns say so. Every table names the schema, or the server opens the databases of other tests as well.
const COLUMNS: &str = "
    SELECT c.TABLE_NAME, c.COLUMN_NAME,
           CASE WHEN c.DATA_TYPE IN ('int', 'bigint') THEN c.DATA_TYPE ELSE c.COLUMN_TYPE END,
           CONCAT_WS(',',
               IF(EXISTS(SELECT 1 FROM information_schema.STATISTICS s
                         WHERE s.TABLE_SCHEMA = DATABASE() AND s.TABLE_NAME = c.TABLE_NAME AND s.COLUMN_NAME = c.COLUMN_NAME
                             AND s.INDEX_NAME = 'PRIMARY'), 'PK', NULL),
               IF(EXISTS(SELECT 1 FROM information_schema.KEY_COLUMN_USAGE k
                         WHERE k.TABLE_SCHEMA = DATABASE() AND k.TABLE_NAME = c.TABLE_NAME AND k.COLUMN_NAME = c.COLUMN_NAME
                             AND k.REFERENCED_TABLE_NAME IS NOT NULL), 'FK', NULL),
               IF(EXISTS(SELECT 1 FROM information_schema.STATISTICS s
                         WHERE s.TABLE_SCHEMA = DATABASE() AND s.TABLE_NAME = c.TABLE_NAME AND s.COLUMN_NAME = c.COLUMN_NAME
                             AND s.INDEX_NAME <> 'PRIMARY' AND s.NON_UNIQUE = 0), 'UK', NULL)),
           IF(c.GENERATION_EXPRESSION <> '', 'generated', IF(c.IS_NULLABLE = 'YES', 'nullable', ''))
    FROM information_schema.COLUMNS c
    WHERE c.TABLE_SCHEMA = DATABASE() AND c.TABLE_NAME <> '_sqlx_migrations'
    ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION";

const REFERENCES: &str = "
    SELECT k.REFERENCED_TABLE_NAME, k.TABLE_NAME, k.COLUMN_NAME
    FROM information_schema.KEY_COLUMN_USAGE k
    WHERE k.TABLE_SCHEMA = DATABASE() AND k.REFERENCED_TABLE_NAME IS NOT NULL
    ORDER BY k.TABLE_NAME, k.COLUMN_NAME";

#[tokio::test]
async fn architecture_diagram_matches_the_schema() {
    let database = Database::new().await;
    let text = std::fs::read_to_string(ARCHITECTURE).unwrap();

    let drawn =
        text.split("```mermaid\n").find(|block| block.starts_with("erDiagram\n")).expect("an `erDiagram` block");
    let drawn = drawn.split_once("```").unwrap().0;

    let real = diagram(&database.url).await;
    assert_eq!(drawn, real, "\nARCHITECTURE.md should hold:\n{real}");
}

/// The migrated database as a Mermaid diagram. Columns of one unique key are all marked `UK`.
async fn diagram(url: &str) -> String {
    let pool = MySqlPool::connect(url).await.unwrap();
    let mut columns: Vec<(String, String, String, String, String)> =
        sqlx::query_as(COLUMNS).fetch_all(&pool).await.unwrap();
    let mut references: Vec<(String, String, String)> = sqlx::query_as(REFERENCES).fetch_all(&pool).await.unwrap();
    // By the letters, as the servers differ on whether `_` comes before them.
    columns.sort_by(|a, b| a.0.cmp(&b.0));
    references.sort_by(|a, b| (&a.1, &a.2).cmp(&(&b.1, &b.2)));
    let mut drawn = "erDiagram\n".to_owned();
    for table in columns.chunk_by(|a, b| a.0 == b.0) {
        writeln!(drawn, "    {} {{", table[0].0).unwrap();
        for (_, name, kind, keys, note) in table {
            let keys = if keys.is_empty() { String::new() } else { format!(" {keys}") };
            let note = if note.is_empty() { String::new() } else { format!(" \"{note}\"") };
            writeln!(drawn, "        {kind} {name}{keys}{note}").unwrap();
        }
        writeln!(drawn, "    }}").unwrap();
    }
    for (parent, child, column) in references {
        writeln!(drawn, "    {parent} ||--o{{ {child} : {column}").unwrap();
    }
    drawn
}
