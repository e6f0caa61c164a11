use super::unit::{Class, Unit};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// A few characters that stand together in a text, or a mark of a message, hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Gram(pub i32);

impl Gram {
    /// FNV-1a of 32 bits over UTF-8. It must not change: the grams of old messages are in the store.
    pub(super) fn of(chars: impl IntoIterator<Item = char>) -> Self {
        let mut hash: u32 = 0x811c_9dc5;
        for c in chars {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
            }
        }
        Self(hash.cast_signed())
    }
}

/// What stands before the first unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    /// Nothing: it is the beginning of a text, or of a word.
    Known,
    /// Anything: it is the beginning of a term.
    Unknown,
}

/// Distinct grams in order.
#[derive(Debug, Default)]
pub(super) struct Grams {
    list: Vec<Gram>,
    seen: HashSet<Gram>,
}

impl Grams {
    /// Adds the grams of units:
    /// - two neighbours of which one is [`Class::Cjk`], blanks between them skipped;
    /// - three in a row of words and numbers, and the first two of each word;
    /// - each emoji.
    pub(super) fn add(&mut self, units: &[Unit], beginning: Beginning) {
        // The neighbour before, and how many units of words, numbers included, and of one word stand in a row.
        let (mut before, mut stretch, mut word) = (None::<&Unit>, 0, 0);
        let mut is_known = beginning == Beginning::Known;
        for (at, unit) in units.iter().enumerate() {
            match unit.class {
                Class::Word => {
                    stretch += 1;
                    word += 1;
                    if word == 2 && is_known {
                        self.push(Gram::of(['^', units[at - 1].char, unit.char]));
                    }
                }
                class => {
                    stretch = if class == Class::Joint { stretch + 1 } else { 0 };
                    word = 0;
                    is_known = true;
                }
            }
            match unit.class {
                Class::Space => continue,
                Class::Emoji => self.push(Gram::of([unit.char])),
                _ => {}
            }
            if matches!(unit.class, Class::Emoji | Class::Other) {
                before = None;
                continue;
            }
            if stretch >= 3 {
                self.push(Gram::of(units[at - 2..=at].iter().map(|unit| unit.char)));
            }
            if let Some(before) = before.filter(|before| [before.class, unit.class].contains(&Class::Cjk)) {
                self.push(Gram::of([before.char, unit.char]));
            }
            before = Some(unit);
        }
    }

    fn push(&mut self, gram: Gram) {
        if self.seen.insert(gram) {
            self.list.push(gram);
        }
    }

    pub(super) fn into_vec(self) -> Vec<Gram> {
        self.list
    }
}

impl Extend<Gram> for Grams {
    fn extend<T: IntoIterator<Item = Gram>>(&mut self, grams: T) {
        grams.into_iter().for_each(|gram| self.push(gram));
    }
}

#[cfg(test)]
mod tests {
    use super::{super::unit::units, *};

    fn grams(text: &str, beginning: Beginning) -> Vec<Gram> {
        let mut grams = Grams::default();
        grams.add(&units(text), beginning);
        grams.into_vec()
    }

    fn hashed(expected: &[&str]) -> Vec<Gram> {
        expected.iter().map(|gram| Gram::of(gram.chars())).collect()
    }

    #[test]
    fn hash_stays_the_same() {
        for (gram, hash) in
            [("회의", -1_979_793_621), ("ㅋㅋ", -788_291_517), ("api", 946_514_567), ("^pr", 1_206_688_323)]
        {
            assert_eq!(Gram::of(gram.chars()), Gram(hash), "{gram}");
        }
    }

    #[test]
    fn text_has_the_grams_of_its_scripts() {
        for (text, expected) in [
            ("서버 배포", &["서버", "버배", "배포"][..]),
            ("API서버", &["^ap", "api", "i서", "서버"]),
            ("v1.2.3", &["^v1", "v1.", "1.2", ".2.", "2.3"]),
            ("05-01", &["^05", "05-", "5-0", "^01", "-01"]),
            ("hello, world", &["^he", "hel", "ell", "llo", "^wo", "wor", "orl", "rld"]),
            ("가👍나 다. 라", &["👍", "나다"]),
            ("가가가", &["가가"]),
            ("밥", &[]),
            ("C++", &[]),
        ] {
            assert_eq!(grams(text, Beginning::Known), hashed(expected), "{text}");
        }
    }

    #[test]
    fn first_word_of_a_term_may_go_on_before_it() {
        assert_eq!(grams("api", Beginning::Unknown), hashed(&["api"]));
        assert_eq!(grams("api pr", Beginning::Unknown), hashed(&["api", "^pr"]));
    }
}
