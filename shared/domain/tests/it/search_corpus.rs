//! The golden cases of message search: `search-corpus.tsv` beside this file.

use crate::search_rows::rows;
use domain::{
    MessageType, UserId,
    message_search::{MessageQuery, grams},
};
use std::ops::Range;
use unicode_normalization::UnicodeNormalization as _;

/// A row: does the query find the text, and where?
struct Case {
    query: String,
    text: String,
    ranges: Option<Vec<Range<u32>>>,
    /// Whether the query has a gram, so that it can be asked over all rooms.
    is_for_any_room: bool,
}

fn cases() -> impl Iterator<Item = Case> {
    rows().map(|(query, text, [matches, scope, ranges, ..])| Case {
        query,
        text,
        ranges: (matches == "yes").then(|| ranges.split(',').map(range).collect()),
        is_for_any_room: scope == "any",
    })
}

fn range(text: &str) -> Range<u32> {
    let (start, end) = text.split_once('-').unwrap();
    start.parse().unwrap()..end.parse().unwrap()
}

#[test]
fn every_case_is_found_where_it_says() {
    let mut count = 0;
    for case in cases() {
        let query = MessageQuery::parse(&case.query).unwrap();
        assert_eq!(query.find(&case.text), case.ranges, "{} in {}", case.query, case.text);
        count += 1;
    }
    assert_eq!(count, 120);
}

#[test]
fn form_and_case_of_a_query_make_no_difference() {
    for case in cases() {
        let q = &case.query;
        for variant in [q.nfd().collect(), q.nfc().collect(), q.to_uppercase(), q.to_lowercase()] {
            let variant: String = variant;
            let found = MessageQuery::parse(&variant).unwrap().find(&case.text);
            assert_eq!(found, case.ranges, "{variant} in {}", case.text);
        }
    }
}

#[test]
fn every_match_has_the_grams_of_its_query() {
    for case in cases().filter(|case| case.ranges.is_some()) {
        let known = grams(UserId(1), &case.text, MessageType::Text, &[]);
        let asked = MessageQuery::parse(&case.query).unwrap().grams();
        assert!(asked.iter().all(|gram| known.contains(gram)), "{} in {}", case.query, case.text);
    }
}

#[test]
fn only_queries_without_a_gram_need_a_room() {
    for case in cases() {
        let query = MessageQuery::parse(&case.query).unwrap();
        assert_eq!(!query.grams().is_empty(), case.is_for_any_room, "{}", case.query);
    }
}
