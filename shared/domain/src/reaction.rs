use crate::{Invalid, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// How many different emojis a message may have.
pub const MOST_EMOJIS: usize = 20;

/// How many people may react to a message with the same emoji.
pub const MOST_REACTORS: u32 = 2_000;

/// How many messages of a room may be pinned.
pub const MOST_PINS: usize = 50;

/// One emoji, in the form that Unicode recommends for interchange: fully qualified, which is NFC too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Emoji(&'static str);

impl Emoji {
    /// Accepts an emoji that Unicode recommends, skin tones, families, flags and keycaps included, with or without its variation
    /// selectors. Letters, digits and more than one emoji are `Unsupported`.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        if input.trim().is_empty() {
            return Err(Invalid::Blank);
        }
        emojis::get(input).map(|emoji| Self(emoji.as_str())).ok_or(Invalid::Unsupported)
    }

    /// The characters.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// How many people reacted to a message with one emoji.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// The number of people.
    pub count: u32,
    /// Whether the person for whom it was read is one of them; `None` where it was read for nobody.
    pub mine: Option<bool>,
}

/// One person's reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reactor {
    /// Who.
    pub user: UserId,
    /// With which emoji.
    pub emoji: String,
    /// When.
    pub at: Timestamp,
}

/// That a message is pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// Since when.
    pub at: Timestamp,
    /// By whom.
    pub by: UserId,
}

/// What the latest change of a message was, where its other fields do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LatestChange {
    /// A reaction came or went.
    Reaction,
    /// It was pinned or unpinned.
    Pin,
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::is_nfc;
    use unicode_segmentation::UnicodeSegmentation as _;

    #[test]
    fn emoji_of_every_kind_is_accepted_as_it_is() {
        for emoji in ["👍", "👍🏽", "❤️", "👩‍👩‍👧‍👦", "👩🏽‍🚀", "🏳️‍🌈", "🇰🇷", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "#️⃣", "🫶🏿", "😶‍🌫️"]
        {
            assert_eq!(Emoji::parse(emoji).map(Emoji::as_str), Ok(emoji));
        }
    }

    #[test]
    fn emoji_without_its_selector_is_the_same_one() {
        for (short, full) in [("❤", "❤️"), ("☺", "☺️"), ("1\u{20e3}", "1️⃣"), ("👁\u{200d}🗨", "👁️\u{200d}🗨️")]
        {
            assert_eq!(Emoji::parse(short), Emoji::parse(full));
            assert_eq!(Emoji::parse(short).map(Emoji::as_str), Ok(full));
        }
    }

    #[test]
    fn text_that_is_not_one_emoji_is_refused() {
        for text in [
            "a",
            "가",
            "7",
            "#",
            "👍👍",
            "👍 ",
            "👍a",
            "a\u{fe0f}",
            "🇰",
            "🏽",
            "\u{200d}",
            "\u{fe0f}",
            "👩\u{200d}",
            "$x",
            "e\u{301}",
            ":thumbsup:",
        ] {
            assert_eq!(Emoji::parse(text), Err(Invalid::Unsupported), "{}", text.escape_unicode());
        }
        for blank in ["", " ", "\n"] {
            assert_eq!(Emoji::parse(blank), Err(Invalid::Blank));
        }
    }

    #[test]
    fn every_emoji_is_one_grapheme_in_nfc() {
        for emoji in emojis::iter().map(emojis::Emoji::as_str) {
            assert!(is_nfc(emoji) && emoji.len() <= 64, "{emoji}");
            assert_eq!(emoji.graphemes(true).count(), 1, "{emoji}");
        }
    }
}
