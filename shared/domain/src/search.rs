use crate::{Invalid, people::fold};
use strum::IntoStaticStr;
use unicode_normalization::UnicodeNormalization as _;

/// What a person is searched by: the beginning of a name, or of its initial consonants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameQuery {
    /// Which keys it is compared with.
    pub kind: NameKeyKind,
    /// What they begin with.
    pub prefix: String,
}

/// What a key is made of.
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

/// The longest key, in characters; nobody types a longer beginning.
const MAX_KEY: usize = 200;
/// The longest query, in characters as they are typed.
const MAX_QUERY: usize = 50;

impl NameQuery {
    /// Accepts a trimmed text of 1 to 50 characters, in whatever case, width and normalization form.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        let text = input.trim();
        match text.chars().count() {
            0 => return Err(Invalid::Blank),
            // Decomposed Hangul has up to three characters where people type one.
            n if n > 3 * MAX_QUERY || text.nfc().count() > MAX_QUERY => return Err(Invalid::TooLong),
            _ => {}
        }
        let prefix: String = letters(&split_clusters(text)).collect();
        let kind = if prefix.chars().all(is_initial) { NameKeyKind::Initials } else { NameKeyKind::Letters };
        Ok(Self { kind, prefix })
    }
}

/// The keys under which a name is found, of which the initials may be missing.
pub fn name_keys(name: &str) -> (String, Option<String>) {
    let key: String = letters(name).take(MAX_KEY).collect();
    let initials: String = key.chars().filter(|c| is_initial(*c)).collect();
    (key, Some(initials).filter(|initials| !initials.is_empty()))
}

/// A name without differences of case, width and composition, Hangul as conjoining jamo.
fn letters(text: &str) -> impl Iterator<Item = char> {
    fold(text.trim()).nfkd().collect::<Vec<_>>().into_iter()
}

/// Whether it is a conjoining initial consonant, of which NFKD makes both those of a syllable and those typed alone.
fn is_initial(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{1112}')
}

/// Keyboards put two consonants typed in a row together; whoever types `ㄱㅅ` means both.
fn split_clusters(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut split, c| {
        match c {
            'ㄳ' => split.push_str("ㄱㅅ"),
            'ㄵ' => split.push_str("ㄴㅈ"),
            'ㄶ' => split.push_str("ㄴㅎ"),
            'ㄺ' => split.push_str("ㄹㄱ"),
            'ㄻ' => split.push_str("ㄹㅁ"),
            'ㄼ' => split.push_str("ㄹㅂ"),
            'ㄽ' => split.push_str("ㄹㅅ"),
            'ㄾ' => split.push_str("ㄹㅌ"),
            'ㄿ' => split.push_str("ㄹㅍ"),
            'ㅀ' => split.push_str("ㄹㅎ"),
            'ㅄ' => split.push_str("ㅂㅅ"),
            other => split.push(other),
        }
        split
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn finds(query: &str, name: &str) -> bool {
        let query = NameQuery::parse(query).unwrap();
        let (letters, initials) = name_keys(name);
        let key = match query.kind {
            NameKeyKind::Letters => Some(letters),
            NameKeyKind::Initials => initials,
        };
        key.is_some_and(|key| key.starts_with(&query.prefix))
    }

    #[test]
    fn a_korean_name_is_found_by_syllables_by_jamo_and_by_initials() {
        for query in ["홍", "홍길", "홍길동", "호", "홍ㄱ", "홍기", "ㅎ", "ㅎㄱ", "ㅎㄱㄷ"] {
            assert!(finds(query, "홍길동"), "{query}");
        }
        for query in ["길", "홍길순", "ㄱㄷ", "ㅎㄷ", "ㅎㄱㄷㄷ", "하"] {
            assert!(!finds(query, "홍길동"), "{query}");
        }
    }

    #[test]
    fn consonants_that_a_keyboard_put_together_are_two() {
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
    fn initials_skip_what_is_not_hangul() {
        assert!(finds("ㅎㄱㄷ", "홍 길동 (kr)"));
        assert_eq!(name_keys("Minji").1, None);
    }

    #[test]
    fn a_query_says_why_it_was_refused() {
        assert_eq!(NameQuery::parse("  "), Err(Invalid::Blank));
        assert_eq!(NameQuery::parse(&"가".repeat(51)), Err(Invalid::TooLong));
        assert!(NameQuery::parse(&"값".repeat(50).nfd().collect::<String>()).is_ok());
    }

    proptest! {
        #[test]
        fn every_beginning_of_a_name_finds_it(name in "[가-힣a-zA-Z]{1,40}", length in 1usize..40) {
            let beginning: String = name.chars().take(length).collect();
            prop_assert!(finds(&beginning, &name));
            prop_assert!(finds(&beginning.nfd().collect::<String>(), &name));
        }
    }
}
