//! What holds of every query and every text in message search.

use domain::{
    Invalid, MessageType, UserId,
    message_search::{Gram, Mark, MessageQuery, grams},
};
use proptest::{prelude::*, sample::Index};
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// Few different characters, so that chance makes matches: of every class, and those that fold to several or to none.
const CHAT: &str = "[가나는을를에서에게까지으로 회의ㄱㅅㄳㅋa-cA-C1-3.,:#@\"/-👍❤\u{fe0f}\u{200d}éße\u{301}\u{3099}ﾊﾞハㅏ漢字\u{1100}\u{1161}Ａ１☎\n]{1,24}";

fn text_grams(text: &str) -> Vec<Gram> {
    grams(UserId(1), text, MessageType::Text, &[])
}

/// A part of a text, between two of its graphemes.
fn part(text: &str, from: Index, length: usize) -> String {
    let graphemes: Vec<_> = text.graphemes(true).collect();
    let from = from.index(graphemes.len());
    graphemes[from..].iter().take(length).copied().collect()
}

fn utf16_part(text: &str, range: &std::ops::Range<u32>) -> String {
    let units: Vec<u16> = text.encode_utf16().collect();
    String::from_utf16(&units[range.start as usize..range.end as usize]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn match_has_every_gram_of_its_query(text in CHAT, other in CHAT, from: Index, length in 1usize..8) {
        for q in [part(&text, from, length), part(&other, from, length.min(3))] {
            let Ok(query) = MessageQuery::parse(&q) else { continue };
            if query.find(&text).is_some() {
                let known = text_grams(&text);
                prop_assert!(query.grams().iter().all(|gram| known.contains(gram)), "{:?} in {:?}", q, text);
            }
        }
    }

    #[test]
    fn part_of_a_text_finds_it(text in "[가-각회의서버배포a-c1-3ㅋ ]{2,30}", from: Index, length in 2usize..12) {
        let q = part(&text, from, length);
        if q.split(' ').all(|word| word.chars().count() != 1 && !word.chars().all(|c| c.is_ascii_alphanumeric())) {
            prop_assert!(MessageQuery::parse(&q).unwrap().find(&text).is_some(), "{:?} in {:?}", q, text);
        }
    }

    #[test]
    fn quoted_part_of_a_text_finds_it(text in "[가-힣a-zA-Z1-3ㅋ .,:!👍❤é漢]{1,30}", from: Index, length in 1usize..20) {
        let part = part(&text, from, length);
        if let Ok(query) = MessageQuery::parse(&format!("\"{part}\"")) {
            prop_assert!(query.find(&text).is_some(), "{:?} in {:?}", part, text);
        }
    }

    #[test]
    fn range_of_a_quoted_term_reads_like_the_term(text in CHAT, from: Index, length in 1usize..6) {
        let term = part(&text, from, length).replace('"', "");
        let Ok(query) = MessageQuery::parse(&format!("\"{term}\"")) else { return Ok(()) };
        let Some(ranges) = query.find(&text) else { return Ok(()) };
        prop_assert!(!ranges.is_empty() && ranges.len() <= 20);
        let boundaries: Vec<_> = text.grapheme_indices(true).map(|(at, _)| text[..at].encode_utf16().count()).chain([text.encode_utf16().count()]).collect();
        let mut last = None;
        for range in &ranges {
            prop_assert!(boundaries.contains(&(range.start as usize)) && boundaries.contains(&(range.end as usize)));
            prop_assert!(range.start < range.end && last.is_none_or(|last| last < range.start));
            prop_assert!(query.find(&utf16_part(&text, range)).is_some(), "{:?} at {:?} of {:?}", term, range, text);
            last = Some(range.end);
        }
    }

    #[test]
    fn composition_of_query_and_text_makes_no_difference(text in CHAT, from: Index, length in 1usize..8) {
        let text: String = text.nfc().collect();
        let q = part(&text, from, length);
        let decomposed: String = q.nfd().collect();
        let (Ok(query), Ok(decomposed)) = (MessageQuery::parse(&q), MessageQuery::parse(&decomposed)) else { return Ok(()) };
        prop_assert_eq!(query.find(&text), decomposed.find(&text));
        prop_assert_eq!(query.grams(), decomposed.grams());
        prop_assert_eq!(text_grams(&text), text_grams(&text.nfd().collect::<String>()));
    }

    #[test]
    fn particle_cut_from_a_query_loses_no_match(
        noun in "[가-힣]{2,5}",
        particle in "(에서|에게|한테|까지|부터|으로|을|를|는|에는|에서도)",
        blanks: [bool; 8],
        around in "[가-힣 ]{0,12}",
    ) {
        let q = format!("{noun}{particle}");
        let (cut, uncut) = (MessageQuery::parse(&q).unwrap(), MessageQuery::parse(&format!("\"{q}\"")).unwrap());
        let spaced: String = q.chars().zip(blanks).map(|(c, blank)| if blank { format!("{c} ") } else { c.to_string() }).collect();
        let text = format!("{around}{spaced}{around}");
        let joined = text.replace(' ', "");

        // Blanks do not count in a term of three syllables or more, but in the two that may remain.
        prop_assert!(uncut.find(&joined).is_some());
        prop_assert!(cut.find(&joined).is_some());
        prop_assert!(cut.find(&text).is_some() || cut.grams().len() == 1, "{:?} in {:?}", q, text);
    }

    #[test]
    fn no_text_breaks_the_query_parser(q in "\\PC{0,110}|[\u{0}-\u{10ffff}]{0,110}", text in "\\PC{0,40}") {
        if let Ok(query) = MessageQuery::parse(&q) {
            let found = query.find(&text);
            if found.is_some() {
                let known = text_grams(&text);
                prop_assert!(query.grams().iter().all(|gram| known.contains(gram)));
            }
        }
    }

    #[test]
    fn grams_are_distinct_and_bounded(text in "\\PC{0,200}", author: i32) {
        let found = grams(UserId(author), &text, MessageType::Text, &[]);
        let mut distinct = found.clone();
        distinct.sort_unstable();
        distinct.dedup();
        prop_assert_eq!(distinct.len(), found.len());
        prop_assert!(found.contains(&Mark::Author(UserId(author)).gram()));
    }
}

#[test]
fn hostile_texts_have_a_bounded_number_of_grams() {
    let kib = 1024;
    let words = (0..5_000).fold(String::new(), |words, n| words + &format!("{n:03}."));
    let syllables: String = ('가'..='힣').take(5_000).collect();
    for (name, text) in [
        ("marks", format!("a{}", "\u{301}".repeat(8 * kib))),
        ("one letter", "a".repeat(16 * kib)),
        ("different words", words),
        ("different syllables", syllables),
        ("emoji", "👨‍👩‍👧‍👦".repeat(600)),
        ("flags", "🇰🇷".repeat(2 * kib)),
        ("ligatures", "\u{fdfa}".repeat(5 * kib)),
        ("dropped characters", "\u{200b}".repeat(5 * kib)),
        ("blanks", " ".repeat(16 * kib)),
        ("regular expressions", "(.*)+[^a]$|\\d{1,9}".repeat(800)),
    ] {
        assert!(text_grams(&text).len() < 3_000, "{name}");
        let query = MessageQuery::parse("회의 \"a.b\" 👍 pr").unwrap();
        assert_eq!(query.find(&text), None, "{name}");
    }
}

#[test]
fn hostile_queries_have_a_bounded_number_of_grams() {
    for q in [
        "는 을 를 에서 까지",
        "에서에서에서에서",
        "가",
        &"가".repeat(100),
        &"\u{3300}".repeat(100),
        &format!("a{}", "\u{301}".repeat(99)),
        &"👨‍👩‍👧‍👦".repeat(14),
        &"회의a漢かㄱ1👍".repeat(12),
        "\"\" ' OR 1=1 -- {\"$gt\": \"\"}",
    ] {
        let query = MessageQuery::parse(q).unwrap();
        assert!(query.grams().len() < 2_000, "{q}");
        assert_eq!(query.find(""), None, "{q}");
    }
    assert_eq!(MessageQuery::parse(&"가".repeat(1_000)), Err(Invalid::TooLong));
}

#[test]
fn signs_of_regular_expressions_stand_for_themselves() {
    for q in [".*", "(a|b)", "^$", "[가-힣]+", "\\d{3}", "a.c회의"] {
        let query = MessageQuery::parse(q).unwrap();
        assert_eq!(query.find("abc회의 123 가나다"), None, "{q}");
        assert!(query.find(&format!("보세요 {q} 입니다")).is_some(), "{q}");
    }
}
