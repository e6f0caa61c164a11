//! What is searched for: queries that were not taken from the messages.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{
    corpus::{AUTHORS, is_korean, squeezed},
    words::{Vocabulary, latin, number, polite_verb, sign, unheard},
};

/// A search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) class: Class,
    /// What every match contains; where there are several, they are separate terms.
    pub(super) needles: Vec<String>,
    pub(super) from: Option<i32>,
    pub(super) link: bool,
}

/// What kind of search it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    TwoCommon,
    TwoRare,
    ThreeCommon,
    ThreeRare,
    Compound,
    FiveCommon,
    Fragment,
    TwoTerms,
    Latin,
    Number,
    Sign,
    Unheard,
    Filters,
    /// Only in one room.
    OneSyllable,
}

impl Class {
    const ALL: [Self; 14] = [
        Self::TwoCommon,
        Self::TwoRare,
        Self::ThreeCommon,
        Self::ThreeRare,
        Self::Compound,
        Self::FiveCommon,
        Self::Fragment,
        Self::TwoTerms,
        Self::Latin,
        Self::Number,
        Self::Sign,
        Self::Unheard,
        Self::Filters,
        Self::OneSyllable,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::TwoCommon => "2 syllables, common",
            Self::TwoRare => "2 syllables, rare",
            Self::ThreeCommon => "3 syllables, common",
            Self::ThreeRare => "3 syllables, rare",
            Self::Compound => "4 or more, compound",
            Self::FiveCommon => "5 or more, common",
            Self::Fragment => "5 or more, fragment",
            Self::TwoTerms => "two terms",
            Self::Latin => "Latin",
            Self::Number => "number",
            Self::Sign => "jamo, emoji",
            Self::Unheard => "no hit",
            Self::Filters => "author, link, both",
            Self::OneSyllable => "1 syllable (one room)",
        }
    }
}

impl Query {
    /// The parameters of its request, but those of the room.
    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        let q = (!self.needles.is_empty()).then(|| ("q", self.needles.join(" ")));
        let from = self.from.map(|author| ("from", author.to_string()));
        let link = self.link.then(|| ("has", "link".to_owned()));
        [q, from, link].into_iter().flatten().collect()
    }
}

/// So many queries of each class.
pub(super) fn queries(words: &Vocabulary, of_each: usize, seed: u64) -> Vec<Query> {
    // Other chances than those of the messages.
    let mut rng = StdRng::seed_from_u64(seed ^ 0x5eed);
    let of_class = |class: Class| (0..of_each).map(move |at| (class, at));
    Class::ALL.into_iter().flat_map(of_class).map(|(class, at)| query(class, at, words, &mut rng)).collect()
}

fn query(class: Class, at: usize, words: &Vocabulary, rng: &mut StdRng) -> Query {
    let common = |rng: &mut StdRng| words.nouns.among(0..Vocabulary::COMMON, rng).to_owned();
    let rare = |rng: &mut StdRng| words.nouns.among(Vocabulary::ALL / 10..Vocabulary::ALL, rng).to_owned();
    let of_length = |length: usize, word: &dyn Fn(&mut StdRng) -> String, rng: &mut StdRng| loop {
        let word = word(rng);
        if word.chars().count() == length {
            return word;
        }
    };
    let needles = match class {
        Class::TwoCommon => vec![of_length(2, &common, rng)],
        Class::TwoRare => vec![of_length(2, &rare, rng)],
        Class::ThreeCommon => vec![of_length(3, &common, rng)],
        Class::ThreeRare if at.is_multiple_of(2) => vec![words.name(rng).to_owned()],
        Class::ThreeRare => vec![of_length(3, &rare, rng)],
        Class::Compound => vec![common(rng) + &common(rng)],
        Class::FiveCommon => vec![common(rng) + &polite_verb(rng)],
        Class::Fragment => vec![fragment(words, rng)],
        Class::TwoTerms => vec![of_length(2, &common, rng), common(rng)],
        Class::Latin => vec![latin(rng)],
        Class::Number => vec![number(rng).chars().filter(|c| *c != ' ').collect()],
        Class::Sign => vec![sign(rng).to_owned()],
        Class::Unheard => vec![unheard(rng)],
        Class::Filters if at % 3 == 2 => vec![of_length(2, &common, rng)],
        Class::Filters => vec![],
        Class::OneSyllable => common(rng).chars().take(1).map(String::from).collect(),
    };
    let (is_filter, author) = (class == Class::Filters, rng.random_range(AUTHORS));
    Query { class, needles, from: (is_filter && at % 3 != 1).then_some(author), link: is_filter && at % 3 == 1 }
}

/// A part of something that nobody has said in just these words. It ends with no particle, which would be cut from it.
fn fragment(words: &Vocabulary, rng: &mut StdRng) -> String {
    const ENDS: [char; 9] = ['을', '를', '는', '서', '게', '로', '지', '터', '럼'];
    loop {
        let message: Vec<char> = squeezed(&words.message(rng)).chars().collect();
        let length = rng.random_range(5..8);
        if message.len() < length {
            continue;
        }
        let from = rng.random_range(0..=message.len() - length);
        let part = &message[from..from + length];
        if part.iter().all(|c| is_korean(*c)) && part.last().is_some_and(|last| !ENDS.contains(last)) {
            return part.iter().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_class_has_as_many_queries() {
        let queries = queries(&Vocabulary::new(1), 9, 1);
        assert_eq!(queries.len(), 9 * Class::ALL.len());
        let classes: BTreeSet<Class> = queries.iter().map(|query| query.class).collect();
        assert_eq!(classes.len(), Class::ALL.len());
        assert!(queries.iter().all(|query| !query.parameters().is_empty()));
    }

    #[test]
    fn a_query_means_what_it_is_compared_by() {
        for query in queries(&Vocabulary::new(1), 30, 1) {
            for needle in &query.needles {
                let parsed = domain::message_search::MessageQuery::parse(needle).expect("a query");
                let longer = format!("x.{}.x", needle.to_uppercase());
                assert!(parsed.find(&longer).is_some(), "{needle}");
                let shorter: String = needle.chars().skip(1).collect();
                assert_eq!(parsed.find(&shorter), None, "{needle}");
            }
        }
    }
}
