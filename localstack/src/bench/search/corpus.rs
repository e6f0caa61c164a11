//! The messages that are searched, and what a search must find in them.

use std::{collections::BTreeSet, ops::Range};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{super::figures::count, queries::Query, words::Vocabulary};

/// Who writes: people without an account here.
pub(super) const AUTHORS: Range<i32> = 1_000_000..1_000_400;

/// A message, sent by somebody in a room.
pub(super) struct Said {
    /// 0 is the one large room.
    pub(super) room: usize,
    pub(super) author: i32,
    pub(super) text: Box<str>,
}

/// Every message, the oldest first, in the forms in which they are compared without any index.
pub(super) struct Corpus {
    pub(super) messages: Vec<Said>,
    /// In small letters.
    plain: Lines,
    /// The same without the blanks beside Hangul.
    squeezed: Lines,
}

/// Which rooms are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The large one.
    OneRoom,
    /// All others.
    Others,
}

impl Corpus {
    pub(super) fn new(words: &Vocabulary, in_one_room: usize, in_others: usize, others: usize, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let weights: Vec<f64> = (0..others)
            .scan(0.0, |sum, rank| {
                *sum += (count(rank) + 5.0).powf(-0.8);
                Some(*sum)
            })
            .collect();
        let all = in_one_room + in_others;
        let mut corpus =
            Self { messages: Vec::with_capacity(all), plain: Lines::default(), squeezed: Lines::default() };
        for _ in 0..all {
            let room = if rng.random_range(0..all) < in_one_room {
                0
            } else {
                let at = rng.random::<f64>() * weights.last().copied().unwrap_or_default();
                1 + weights.partition_point(|sum| *sum < at).min(others.saturating_sub(1))
            };
            let author = rng.random_range(AUTHORS);
            let text = words.message(&mut rng);
            let plain = text.to_lowercase();
            corpus.squeezed.push(&squeezed(&plain));
            corpus.plain.push(&plain);
            corpus.messages.push(Said { room, author, text: text.into() });
        }
        corpus
    }

    /// The messages that a query must find, found by reading all of them; the newest first.
    pub(super) fn found(&self, query: &Query, scope: Scope) -> Vec<usize> {
        let needles = query.needles.iter().map(|needle| {
            let is_joined = needle.chars().count() >= 3 && needle.chars().any(is_korean);
            let lines = if is_joined { &self.squeezed } else { &self.plain };
            lines.with(needle)
        });
        let all = || (0..self.messages.len()).collect::<BTreeSet<_>>();
        let with_all = needles.reduce(|one, other| &one & &other).unwrap_or_else(all);
        let is_asked_for = |at: &usize| {
            let said = &self.messages[*at];
            (said.room == 0) == (scope == Scope::OneRoom)
                && query.from.is_none_or(|author| author == said.author)
                && (!query.link || said.text.contains("https://"))
        };
        with_all.into_iter().rev().filter(is_asked_for).collect()
    }
}

/// Texts, one after the other.
#[derive(Default)]
struct Lines {
    text: String,
    starts: Vec<usize>,
}

impl Lines {
    fn push(&mut self, line: &str) {
        self.starts.push(self.text.len());
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// The lines that contain this.
    fn with(&self, needle: &str) -> BTreeSet<usize> {
        let line = |(at, _)| self.starts.partition_point(|start| *start <= at) - 1;
        self.text.match_indices(needle).map(line).collect()
    }
}

pub(super) fn is_korean(c: char) -> bool {
    matches!(c, '가'..='힣' | 'ㄱ'..='ㅣ')
}

/// A text without the blanks beside Hangul.
pub(super) fn squeezed(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let is_beside = |at: usize| chars.get(at).is_some_and(|c| is_korean(*c));
    let stays = |at: &usize| chars[*at] != ' ' || !(is_beside(at.wrapping_sub(1)) || is_beside(at + 1));
    (0..chars.len()).filter(stays).map(|at| chars[at]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_beside_hangul_do_not_count() {
        assert_eq!(squeezed("서버 배포 ok then 네"), "서버배포ok then네");
    }

    #[test]
    fn every_line_with_a_text_is_found() {
        let mut lines = Lines::default();
        for line in ["회의", "서버 배포", "배포 배포", ""] {
            lines.push(line);
        }
        assert_eq!(lines.with("배포"), BTreeSet::from([1, 2]));
        assert_eq!(lines.with("회의\n서버"), BTreeSet::from([0]), "texts have no line ends");
    }

    #[test]
    fn rooms_have_the_messages_that_were_asked_for() {
        let corpus = Corpus::new(&Vocabulary::new(1), 2_000, 6_000, 20, 1);
        let of = |room| corpus.messages.iter().filter(|said| said.room == room).count();
        assert!((1_800..2_200).contains(&of(0)), "{}", of(0));
        assert!(of(1) > of(20) && of(20) > 0, "{} and {}", of(1), of(20));
    }
}
