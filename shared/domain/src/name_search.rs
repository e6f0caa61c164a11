use crate::{
    Invalid,
    korean::{is_initial, split_cluster},
    text::{fold, is_invisible},
};
use strum::IntoStaticStr;
use unicode_normalization::UnicodeNormalization as _;

/// A search for people: the beginning of a name, or of its initial consonants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameQuery {
    /// The kind of keys to compare with.
    pub kind: NameKeyKind,
    /// The beginning of the keys to find.
    pub prefix: String,
}

/// The kind of a search key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum NameKeyKind {
    /// The letters of a name, Hangul taken apart into jamo: `호` begins `홍길동`.
    Letters,
    /// The initial consonants of a name's Hangul: `ㅎㄱㄷ` for `홍길동`.
    Initials,
}

impl NameKeyKind {
    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The longest key in characters.
const MAX_KEY: usize = 200;
/// The longest query in characters.
const MAX_QUERY: usize = 50;

impl NameQuery {
    /// Accepts a trimmed text of 1 to 50 characters in any case, width and normalization form.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        let text = input.trim();
        match text.chars().count() {
            0 => return Err(Invalid::Blank),
            // Decomposed Hangul has up to three characters where people type one.
            n if n > 3 * MAX_QUERY || text.nfc().count() > MAX_QUERY => return Err(Invalid::TooLong),
            _ => {}
        }
        let prefix: String = letters(&text.chars().flat_map(split_cluster).collect::<String>()).collect();
        if prefix.is_empty() {
            return Err(Invalid::Blank);
        }
        let kind = if prefix.chars().all(is_initial) { NameKeyKind::Initials } else { NameKeyKind::Letters };
        Ok(Self { kind, prefix })
    }
}

/// The search keys of a name: its letters, and its initials if it has Hangul.
pub fn name_keys(name: &str) -> (String, Option<String>) {
    let key: String = letters(name).take(MAX_KEY).collect();
    let initials: String = key.chars().filter(|c| is_initial(*c)).collect();
    (key, Some(initials).filter(|initials| !initials.is_empty()))
}

/// A name without differences of case, width and composition and without invisible characters, Hangul as conjoining jamo.
fn letters(text: &str) -> impl Iterator<Item = char> {
    fold(text.trim()).nfkd().filter(|c| !is_invisible(*c)).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn finds(query: &str, name: &str) -> bool {
        let query = NameQuery::parse(query).unwrap();
        let (letters, initials) = name_keys(name);
        let key = match query.kind {
            NameKeyKind::Letters => Some(letters),
            NameKeyKind::Initials => initials,
        };
        key.is_some_and(|key| key.starts_with(&query.prefix))
    }

    #[test]
    fn korean_name_is_found_by_syllables_jamo_and_initials() {
        for query in ["홍", "홍길", "홍길동", "호", "홍ㄱ", "홍기", "ㅎ", "ㅎㄱ", "ㅎㄱㄷ"] {
            assert!(finds(query, "홍길동"), "{query}");
        }
        for query in ["길", "홍길순", "ㄱㄷ", "ㅎㄷ", "ㅎㄱㄷㄷ", "하"] {
            assert!(!finds(query, "홍길동"), "{query}");
        }
    }

    #[test]
    fn consonant_cluster_of_a_keyboard_counts_as_two() {
        assert!(finds("ㄳ", "강산"));
        assert!(finds("ㅂㅅㅎ", "박서희") && finds("ㅄㅎ", "박서희"));
        assert!(finds("ㄲ", "까치"));
    }

    #[test]
    fn case_width_and_form_make_no_difference() {
        let nfd: String = "홍길동".nfd().collect();
        assert!(finds(&nfd, "홍길동") && finds("홍길", &nfd));
        assert!(finds("ｍｉｎ", "Minji") && finds("MIN", "ｍｉｎｊｉ"));
        assert!(finds("Straße", "STRASSE"));
    }

    #[test]
    fn invisible_characters_make_no_difference() {
        assert!(finds("민지\u{200b}", "민지") && finds("\u{3164}민", "민지") && finds("민지", "민\u{115f}지"));
        assert!(finds("کتابها", "کتاب\u{200c}ها") && finds("👩🚀", "👩\u{200d}🚀"));
        assert_eq!(NameQuery::parse("\u{3164}\u{200b}"), Err(Invalid::Blank));
    }

    #[test]
    fn initials_skip_what_is_not_hangul() {
        assert!(finds("ㅎㄱㄷ", "홍 길동 (kr)"));
        assert_eq!(name_keys("Minji").1, None);
    }

    #[test]
    fn refused_query_says_why() {
        assert_eq!(NameQuery::parse("  "), Err(Invalid::Blank));
        assert_eq!(NameQuery::parse(&"가".repeat(51)), Err(Invalid::TooLong));
        assert!(NameQuery::parse(&"값".repeat(50).nfd().collect::<String>()).is_ok());
    }
}

#[cfg(test)]
mod properties {
    use super::{tests::finds, *};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_breaks_the_query_parser(text in "\\PC{0,60}|[\u{0}-\u{10ffff}]{0,60}") {
            if let Ok(query) = NameQuery::parse(&text) {
                prop_assert!(!query.prefix.is_empty());
                prop_assert_eq!(query.prefix.nfkd().collect::<String>(), query.prefix);
            }
            let (letters, _) = name_keys(&text);
            prop_assert!(letters.chars().count() <= MAX_KEY);
        }

        #[test]
        fn every_beginning_of_a_name_finds_it(name in "[가-힣a-zA-Z]{1,40}", length in 1usize..40) {
            let beginning: String = name.chars().take(length).collect();
            prop_assert!(finds(&beginning, &name));
            prop_assert!(finds(&beginning.nfd().collect::<String>(), &name));
        }
    }
}
