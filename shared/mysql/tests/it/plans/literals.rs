/// A statement with a plausible value for each of its placeholders.
pub(super) fn bound(statement: &str) -> String {
    let mut parts = statement.split('?');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (rest, number) in parts.zip(1..) {
        let value = value(statement, &text, number);
        text = text + &value + rest;
    }
    text
}

/// The value that belongs at the end of a text; a number in most cases.
fn value(statement: &str, text: &str, number: i32) -> String {
    if text.ends_with("LIMIT ") || text.ends_with("OFFSET ") {
        return "31".to_owned();
    }
    if text.ends_with("id < ") {
        return i32::MAX.to_string();
    }
    if text.ends_with("BETWEEN 'c' AND ") {
        return "'c\u{10ffff}'".to_owned();
    }
    match column(text) {
        "name_key" => "'c'".to_owned(),
        "kind" => "'letters'".to_owned(),
        "state" => "'active'".to_owned(),
        "code_hash" | "token_hash" => format!("'{:064x}'", 1),
        "email_fold" => "'p0@example.com'".to_owned(),
        "password_hash" => "'hash'".to_owned(),
        "status" => "'accepted'".to_owned(),
        "aggregate" => "'user'".to_owned(),
        "id" if statement.contains(" sessions ") && !statement.contains("outbox") => format!("'{:032x}'", 1),
        "user_id" if statement.contains(" sessions ") => "1".to_owned(),
        column if column.ends_with("_at") => "'2026-01-02 03:04:05.678'".to_owned(),
        _ => number.to_string(),
    }
}

/// The column that the value at the end of a text is compared with or written to.
fn column(text: &str) -> &str {
    let name = |word: &str| word.starts_with(|c: char| c.is_ascii_lowercase());
    let last = text.split(|c: char| c.is_whitespace() || "(),.".contains(c)).rfind(|word| name(word));
    last.unwrap_or_default()
}

#[test]
fn placeholder_takes_a_value_of_its_column() {
    let statement = "SELECT 1 FROM users u WHERE u.id = ? AND u.id IN (?, ?) AND u.created_at > ? AND u.id < ? LIMIT ?";

    let expected = "SELECT 1 FROM users u WHERE u.id = 1 AND u.id IN (2, 3) AND u.created_at > '2026-01-02 03:04:05.678' AND u.id < 2147483647 LIMIT 31";
    assert_eq!(bound(statement), expected);
}
