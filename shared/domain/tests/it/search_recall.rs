//! An index of grams over many messages, against reading all of them.

use domain::{
    MessageType, UserId,
    message_search::{Gram, MessageQuery, grams},
};
use std::collections::{BTreeSet, HashMap};

const MESSAGES: usize = 100_000;
const QUERIES: usize = 400;

/// `SplitMix64`, so that every run has the same messages.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// Low numbers are far more frequent than high ones, as with words.
    fn rank_below(&mut self, bound: usize) -> usize {
        let bound = self.below(bound) + 1;
        let bound = self.below(bound) + 1;
        self.below(bound)
    }
}

/// Words of common syllables, so that one word's end and another's beginning make a third one.
fn words(chance: &mut Chance) -> Vec<String> {
    let syllables: Vec<char> = "가고관국기나는다대도동라로리마만모무미민바방배버보부비사상서선성세소수스시신안어여영오용우원유의이인일자장재전정제조주지진차채책천체추출치코크타터통트파팀포표프하한해현호화회후".chars().collect();
    let korean = (0..4_000).map(|_| {
        let length = 2 + chance.rank_below(4);
        (0..length).map(|_| syllables[chance.rank_below(syllables.len())]).collect()
    });
    let mut words: Vec<String> = korean.collect();
    let others = [
        "API",
        "deploy",
        "DB",
        "v1.2.3",
        "10:30",
        "ㅋㅋㅋ",
        "ㄱㅅ",
        "ㅠㅠ",
        "👍",
        "https://example.com/a",
        "会議",
        "1,000원",
        "App",
    ];
    for (at, word) in others.iter().enumerate() {
        words.insert(at * 7, (*word).to_owned());
    }
    words
}

fn message(chance: &mut Chance, words: &[String]) -> String {
    let particles = ["", "", "은", "는", "이", "가", "을", "를", "에서", "으로", "까지", "도", "에는"];
    let blanks = [" ", " ", " ", " ", "", "  ", "\n", ", ", ". "];
    let length = 1 + chance.rank_below(9);
    (0..length).fold(String::new(), |text, _| {
        let word = &words[chance.rank_below(words.len())];
        text + word + chance.pick(&particles) + chance.pick(&blanks)
    })
}

/// Two syllables or more out of a message, as it has them.
fn substring(chance: &mut Chance, messages: &[String]) -> String {
    loop {
        let chars: Vec<char> = messages[chance.below(messages.len())].chars().collect();
        let from = chance.below(chars.len());
        let length = 2 + chance.rank_below(5);
        let part: String = chars[from..].iter().take(length).collect();
        if part.chars().count() >= 2 && part.chars().all(|c| ('가'..='힣').contains(&c)) {
            return part;
        }
    }
}

#[test]
fn search_finds_every_substring_of_two_syllables_or_more() {
    let mut chance = Chance(12);
    let words = words(&mut chance);
    let messages: Vec<String> = (0..MESSAGES).map(|_| message(&mut chance, &words)).collect();
    let mut index: HashMap<Gram, Vec<usize>> = HashMap::new();
    for (at, text) in messages.iter().enumerate() {
        for gram in grams(UserId(1), text, MessageType::Text, &[]) {
            index.entry(gram).or_default().push(at);
        }
    }

    let mut hits = 0;
    for _ in 0..QUERIES {
        let q = substring(&mut chance, &messages);
        let query = MessageQuery::parse(&q).unwrap();
        let found = found(&query, &messages, &index);
        for at in (0..MESSAGES).filter(|at| messages[*at].contains(&q)) {
            assert!(found.contains(&at), "{q} in {:?}", messages[at]);
            hits += 1;
        }
    }
    assert!(hits > 100 * QUERIES, "{hits} hits");
}

/// The messages that have every gram of a query and then match it.
fn found(query: &MessageQuery, messages: &[String], index: &HashMap<Gram, Vec<usize>>) -> BTreeSet<usize> {
    let of_gram = |gram| index.get(gram).map_or(&[][..], Vec::as_slice);
    let grams = query.grams();
    let mut lists: Vec<_> = grams.iter().map(of_gram).collect();
    lists.sort_unstable_by_key(|list| list.len());
    let (rarest, others) = lists.split_first().unwrap();
    rarest
        .iter()
        .copied()
        .filter(|at| others.iter().all(|list| list.binary_search(at).is_ok()))
        .filter(|at| query.find(&messages[*at]).is_some())
        .collect()
}
