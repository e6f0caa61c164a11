//! The rows of `search-corpus.tsv`, which the tests of message search in other crates read too.

use domain::Content;

/// The query and the text of each row, and its other columns: `match`, `scope`, `ranges`, `atlas` and `why`.
pub(crate) fn rows() -> impl Iterator<Item = (String, String, [&'static str; 5])> {
    include_str!("search-corpus.tsv").lines().skip(1).map(|row| {
        let columns: [&str; 7] = row.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let [query, text, others @ ..] = columns;
        (unescaped(query), Content::parse(&unescaped(text)).unwrap().as_str().to_owned(), others)
    })
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u");
    let first = parts.next().unwrap().to_owned();
    let read = parts.fold(first, |read, part| {
        let (code, rest) = part.split_at(4);
        let c = char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap();
        format!("{read}{c}{rest}")
    });
    read.replace("\\n", "\n")
}
