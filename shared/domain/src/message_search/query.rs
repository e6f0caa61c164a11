use super::{
    gram::{Beginning, Gram, Grams},
    unit::{Class, Unit, class_of, units},
};
use crate::{
    Invalid,
    korean::{is_closed_syllable, is_syllable},
    text::with_line_feeds,
};
use std::{fmt, ops::Range};
use unicode_normalization::UnicodeNormalization as _;

/// The longest query in characters.
const MAX_QUERY: usize = 100;
/// The most terms of a query.
const MAX_TERMS: usize = 10;
/// The most ranges that a match is shown with.
const MAX_RANGES: usize = 20;

/// A search for messages: terms of which a text must have each, in any order.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageQuery {
    terms: Vec<Term>,
    grams: Vec<Gram>,
}

impl MessageQuery {
    /// Accepts a trimmed text of 1 to 100 characters and 10 terms. What stands in double quotes is one term.
    pub fn parse(q: &str) -> Result<Self, Invalid> {
        let text = with_line_feeds(q.trim());
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err(Invalid::ControlCharacter);
        }
        // Decomposed Hangul has up to three characters where people type one.
        if text.chars().count() > 3 * MAX_QUERY || text.nfc().count() > MAX_QUERY {
            return Err(Invalid::TooLong);
        }
        let mut query = Self { terms: Vec::new(), grams: Vec::new() };
        let mut grams = Grams::default();
        let pieces: Vec<_> = text.split('"').collect();
        for (at, piece) in pieces.iter().enumerate() {
            let units = units(piece);
            // The quote before the last piece has a partner only if there are quotes in pairs.
            if at % 2 == 1 && at + 1 < pieces.len() {
                query.terms.extend(Term::quoted(&units, &mut grams));
            } else {
                let words = units.split(|unit| unit.class == Class::Space);
                query.terms.extend(words.filter_map(|word| Term::bare(word, &mut grams)));
            }
        }
        query.grams = grams.into_vec();
        match query.terms.len() {
            0 => Err(Invalid::Blank),
            1..=MAX_TERMS => Ok(query),
            _ => Err(Invalid::TooLong),
        }
    }

    /// The grams that every match has, each once. There are none if the terms are too short.
    pub fn grams(&self) -> Vec<Gram> {
        self.grams.clone()
    }

    /// Where the terms stand in a text, if it matches: in UTF-16 code units, between graphemes, ascending, apart from each other.
    /// At most 20 are answered.
    pub fn find(&self, content: &str) -> Option<Vec<Range<u32>>> {
        let units = units(content);
        let (spaced, joined) = (Form::spaced(&units), Form::joined(&units));
        let mut ranges = Vec::new();
        for term in &self.terms {
            let form = if term.place == Place::AcrossBlanks { &joined } else { &spaced };
            let known = ranges.len();
            ranges.extend(
                term.places(form).map(|at| units[form.0[at].1].start..units[form.0[at + term.text.len() - 1].1].end),
            );
            if ranges.len() == known {
                return None;
            }
        }
        Some(union(ranges))
    }
}

impl fmt::Debug for MessageQuery {
    // What people search for never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageQuery({} terms, {} grams)", self.terms.len(), self.grams.len())
    }
}

/// Joins ranges that overlap or touch.
fn union(mut ranges: Vec<Range<u32>>) -> Vec<Range<u32>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut apart: Vec<Range<u32>> = Vec::new();
    for range in ranges {
        match apart.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart.truncate(MAX_RANGES);
    apart
}

/// A form in which a text is compared: its characters, each with the index of its unit.
struct Form(Vec<(char, usize)>);

impl Form {
    /// Each run of white space as one blank, none at the ends.
    fn spaced(units: &[Unit]) -> Self {
        Self::of(units, |_, _| true)
    }

    /// [`Form::spaced`] without the blanks beside a [`Class::Cjk`].
    fn joined(units: &[Unit]) -> Self {
        Self::of(units, |before, after| before != Class::Cjk && after != Class::Cjk)
    }

    fn of(units: &[Unit], keeps_blank: impl Fn(Class, Class) -> bool) -> Self {
        let mut form = Vec::with_capacity(units.len());
        let (mut before, mut is_apart) = (None, false);
        for (at, unit) in units.iter().enumerate() {
            if unit.class == Class::Space {
                is_apart = true;
                continue;
            }
            if is_apart && before.is_some_and(|before| keeps_blank(before, unit.class)) {
                form.push((' ', at));
            }
            form.push((unit.char, at));
            (before, is_apart) = (Some(unit.class), false);
        }
        Self(form)
    }
}

/// What a text must have.
#[derive(Clone, PartialEq, Eq)]
struct Term {
    /// Never empty.
    text: Vec<char>,
    place: Place,
}

/// Where a term may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Anywhere, its blanks included.
    Anywhere,
    /// At the beginning of a word or number.
    WordStart,
    /// Anywhere, whether or not there are blanks beside Hangul.
    AcrossBlanks,
}

impl Term {
    fn quoted(units: &[Unit], grams: &mut Grams) -> Option<Self> {
        let text: Vec<_> = Form::spaced(units).0.into_iter().map(|(c, _)| c).collect();
        let first = units.iter().position(|unit| unit.class != Class::Space)?;
        grams.add(&units[first..], Beginning::Unknown);
        Some(Self { text, place: Place::Anywhere })
    }

    fn bare(units: &[Unit], grams: &mut Grams) -> Option<Self> {
        let units = without_particle(without_punctuation(units));
        let is_of_words = units.iter().all(|unit| matches!(unit.class, Class::Word | Class::Joint));
        let place = match units.len() {
            0 => return None,
            1 | 2 if is_of_words => Place::WordStart,
            1 | 2 => Place::Anywhere,
            _ if units.iter().any(|unit| unit.class == Class::Cjk) => Place::AcrossBlanks,
            _ => Place::Anywhere,
        };
        grams.add(units, if place == Place::WordStart { Beginning::Known } else { Beginning::Unknown });
        Some(Self { text: units.iter().map(|unit| unit.char).collect(), place })
    }

    /// Where in a form the term stands.
    fn places<'a>(&'a self, form: &'a Form) -> impl Iterator<Item = usize> + 'a {
        let is_here = |window: &[(char, usize)]| window.iter().map(|(c, _)| c).eq(&self.text);
        let may_begin =
            |at: usize| self.place != Place::WordStart || at == 0 || class_of(form.0[at - 1].0) != Class::Word;
        form.0
            .windows(self.text.len())
            .enumerate()
            .filter(move |(at, window)| is_here(window) && may_begin(*at))
            .map(|(at, _)| at)
    }
}

/// The units without punctuation at both ends, unless so little remains that the punctuation may be what is meant, as in `C++`.
fn without_punctuation(units: &[Unit]) -> &[Unit] {
    let mut rest = units;
    while let [Unit { class: Class::Other, .. }, inner @ ..] | [inner @ .., Unit { class: Class::Other, .. }] = rest {
        rest = inner;
    }
    match rest {
        [] => units,
        [one] if !matches!(one.class, Class::Cjk | Class::Emoji) => units,
        rest => rest,
    }
}

/// What a particle follows.
#[derive(Clone, Copy)]
enum After {
    Anything,
    OpenSyllable,
    ClosedSyllable,
}

/// The particles in which no noun ends, longer ones first.
const PARTICLES: [(&str, After); 24] = [
    ("에서는", After::Anything),
    ("에서도", After::Anything),
    ("에게는", After::Anything),
    ("에게도", After::Anything),
    ("한테는", After::Anything),
    ("한테도", After::Anything),
    ("으로는", After::ClosedSyllable),
    ("으로도", After::ClosedSyllable),
    ("까지는", After::Anything),
    ("까지도", After::Anything),
    ("부터는", After::Anything),
    ("에서", After::Anything),
    ("에게", After::Anything),
    ("한테", After::Anything),
    ("께서", After::Anything),
    ("까지", After::Anything),
    ("부터", After::Anything),
    ("으로", After::ClosedSyllable),
    ("처럼", After::Anything),
    ("에는", After::Anything),
    ("에도", After::Anything),
    ("을", After::ClosedSyllable),
    ("를", After::OpenSyllable),
    ("는", After::OpenSyllable),
];

/// The units without one particle at the end, where enough of a word stands before it.
fn without_particle(units: &[Unit]) -> &[Unit] {
    let stem = |(particle, after): &(&str, After)| {
        let (stem, end) = units.split_at_checked(units.len().checked_sub(particle.chars().count())?)?;
        let is_particle = end.iter().map(|unit| unit.char).eq(particle.chars());
        (is_particle && may_precede(stem, *after)).then_some(stem)
    };
    PARTICLES.iter().find_map(stem).unwrap_or(units)
}

fn may_precede(stem: &[Unit], particle: After) -> bool {
    match stem {
        [.., first, second, third] if [first, second, third].iter().all(|unit| unit.class == Class::Word) => true,
        [.., first, last] if is_syllable(first.char) && is_syllable(last.char) => match particle {
            After::Anything => true,
            After::OpenSyllable => !is_closed_syllable(last.char),
            After::ClosedSyllable => is_closed_syllable(last.char),
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(q: &str) -> Vec<String> {
        MessageQuery::parse(q).unwrap().terms.iter().map(|term| term.text.iter().collect()).collect()
    }

    #[test]
    fn query_is_split_at_blanks_and_quotes() {
        for (q, expected) in [
            ("서버 배포", &["서버", "배포"][..]),
            ("서버\n\t배포\u{3000}API", &["서버", "배포", "api"]),
            ("\"이번  주\" 회의", &["이번 주", "회의"]),
            ("a\"b c\"d", &["a", "b c", "d"]),
            ("\"\" 회의 \" \"", &["회의"]),
            ("\"서버 배포", &["서버", "배포"]),
            ("\"서버\" \"배포 회의", &["서버", "배포", "회의"]),
        ] {
            assert_eq!(terms(q), expected, "{q}");
        }
    }

    #[test]
    fn punctuation_at_the_ends_is_cut_where_a_word_remains() {
        for (q, expected) in [
            ("회의?", "회의"),
            ("(#1234),", "1234"),
            ("밥!", "밥"),
            ("👍!", "👍"),
            ("C++", "c++"),
            ("a@b.kr.", "a@b.kr"),
            ("?!", "?!"),
            ("\"회의?\"", "회의?"),
        ] {
            assert_eq!(terms(q), [expected], "{q}");
        }
    }

    #[test]
    fn particle_is_cut_where_a_word_remains() {
        for (q, expected) in [
            ("회의를", "회의"),
            ("배포는", "배포"),
            ("일정을", "일정"),
            ("일정으로는", "일정"),
            ("서버에서도", "서버"),
            ("회의에는", "회의"),
            ("집에는", "집에"),
            ("API를", "api"),
            ("API으로", "api"),
            ("DB를", "db를"),
            ("가을", "가을"),
            ("회의을", "회의을"),
            ("일정를", "일정를"),
            ("고양이", "고양이"),
            ("경기도", "경기도"),
            ("서버까지는는", "서버까지는는"),
            ("\"회의를\"", "회의를"),
        ] {
            assert_eq!(terms(q), [expected], "{q}");
        }
    }

    #[test]
    fn refused_query_says_why() {
        for (q, reason) in [
            ("", Invalid::Blank),
            (" \n\u{3000}", Invalid::Blank),
            ("\"\" \"", Invalid::Blank),
            ("\u{200b}", Invalid::Blank),
            ("회\u{0}의", Invalid::ControlCharacter),
            (&"가".repeat(101), Invalid::TooLong),
            (&"a ".repeat(11), Invalid::TooLong),
        ] {
            assert_eq!(MessageQuery::parse(q), Err(reason), "{q:?}");
        }
        assert!(MessageQuery::parse(&"값".repeat(100).nfd().collect::<String>()).is_ok());
        assert!(MessageQuery::parse(&"a ".repeat(10)).is_ok());
    }

    #[test]
    fn query_is_not_shown_in_logs() {
        assert_eq!(format!("{:?}", MessageQuery::parse("비밀 회의").unwrap()), "MessageQuery(2 terms, 2 grams)");
    }

    #[test]
    fn ranges_are_joined_and_limited() {
        let found = |q: &str, text: &str| MessageQuery::parse(q).unwrap().find(text);

        assert_eq!(found("ㅋㅋ", "ㅋㅋㅋㅋㅋ ㅋㅋ"), Some(vec![0..5, 6..8]));
        assert_eq!(found("배포 서버배", "서버 배포, 배포"), Some(vec![0..5, 7..9]));
        assert_eq!(found("회의", &"회의 ".repeat(30)).unwrap().len(), MAX_RANGES);
        assert_eq!(found("회의 배포", "회의"), None);
    }
}
