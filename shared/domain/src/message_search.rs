//! Search for messages: the grams by which an index finds candidates, and the comparison that decides which of them match.
//!
//! A query that matches a message has no gram that the message lacks, so an index of grams loses nothing.

mod gram;
mod query;
mod unit;

pub use gram::Gram;
pub use query::MessageQuery;

use crate::{MessageType, UserId};
use gram::{Beginning, Grams};

/// What a search can ask of a message beside its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Who wrote it.
    Author(UserId),
    /// Its text has a link.
    Link,
    /// It has pictures.
    Image,
    /// It has files.
    File,
    /// It is a voice note.
    Voice,
    /// It has a video.
    Video,
    /// It mentions somebody.
    Mention(UserId),
}

impl Mark {
    /// The gram that messages with this mark have. It begins with a control character, which no text has.
    pub fn gram(self) -> Gram {
        let word = match self {
            Self::Author(user) => format!("\u{1}u{user}"),
            Self::Link => "\u{1}link".to_owned(),
            Self::Image => "\u{1}image".to_owned(),
            Self::File => "\u{1}file".to_owned(),
            Self::Voice => "\u{1}voice".to_owned(),
            Self::Video => "\u{1}video".to_owned(),
            Self::Mention(user) => format!("\u{1}@{user}"),
        };
        Gram::of(word.chars())
    }
}

/// The marks of a message.
pub fn marks(author: UserId, content: &str, message_type: MessageType, mentions: &[UserId]) -> Vec<Mark> {
    let kind = match message_type {
        MessageType::Image => Some(Mark::Image),
        MessageType::File => Some(Mark::File),
        MessageType::Voice => Some(Mark::Voice),
        MessageType::Video => Some(Mark::Video),
        MessageType::Text | MessageType::System => None,
    };
    let link = has_link(content).then_some(Mark::Link);
    let mentions = mentions.iter().copied().map(Mark::Mention);
    [Mark::Author(author)].into_iter().chain(link).chain(kind).chain(mentions).collect()
}

/// The grams of a message's row, each once. A system message has none: nobody finds it.
pub fn grams(author: UserId, content: &str, message_type: MessageType, mentions: &[UserId]) -> Vec<Gram> {
    if message_type == MessageType::System {
        return Vec::new();
    }
    let mut grams = Grams::default();
    grams.add(&unit::units(content), Beginning::Known);
    grams.extend(marks(author, content, message_type, mentions).into_iter().map(Mark::gram));
    grams.into_vec()
}

fn has_link(content: &str) -> bool {
    content.match_indices("://").any(|(at, _)| {
        let before = &content.as_bytes()[..at];
        let ends_with = |scheme: &[u8]| {
            before.len().checked_sub(scheme.len()).is_some_and(|at| before[at..].eq_ignore_ascii_case(scheme))
        };
        ends_with(b"http") || ends_with(b"https")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTHOR: UserId = UserId(3);

    #[test]
    fn marks_tell_author_kind_link_and_mentions() {
        let marks = |content, message_type, mentions: &[UserId]| marks(AUTHOR, content, message_type, mentions);

        assert_eq!(marks("회의", MessageType::Text, &[]), [Mark::Author(AUTHOR)]);
        assert_eq!(marks("", MessageType::Image, &[]), [Mark::Author(AUTHOR), Mark::Image]);
        assert_eq!(marks("", MessageType::File, &[]), [Mark::Author(AUTHOR), Mark::File]);
        assert_eq!(marks("", MessageType::Voice, &[]), [Mark::Author(AUTHOR), Mark::Voice]);
        assert_eq!(marks("", MessageType::Video, &[]), [Mark::Author(AUTHOR), Mark::Video]);
        assert_eq!(
            marks("@민지 보세요 HTTPS://example.com", MessageType::Text, &[UserId(5), UserId(6)]),
            [Mark::Author(AUTHOR), Mark::Link, Mark::Mention(UserId(5)), Mark::Mention(UserId(6))]
        );
        for no_link in ["example.com", "ftp://example.com", "://", "http:/ /", "링크는 https"] {
            assert_eq!(marks(no_link, MessageType::Text, &[]), [Mark::Author(AUTHOR)], "{no_link}");
        }
        assert!(marks("봐요http://example.com", MessageType::Text, &[]).contains(&Mark::Link));
    }

    #[test]
    fn grams_of_a_message_are_those_of_its_text_and_marks() {
        let found = grams(AUTHOR, "회의 회의", MessageType::Text, &[UserId(5)]);
        let text = ["회의", "의회"].map(|gram| Gram::of(gram.chars()));
        assert_eq!(found, [text[0], text[1], Mark::Author(AUTHOR).gram(), Mark::Mention(UserId(5)).gram()]);
    }

    #[test]
    fn system_message_has_no_grams() {
        assert_eq!(grams(AUTHOR, "회의", MessageType::System, &[]), []);
    }

    #[test]
    fn gram_of_a_mark_stays_the_same() {
        assert_eq!(Mark::Author(AUTHOR).gram(), Gram(131_601_112));
    }
}
