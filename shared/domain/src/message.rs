use crate::{Invalid, MessageId, Random, Rev, RoomKey, Seq, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// The text of a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Content(String);

impl Content {
    /// The most characters, as people count them.
    pub const MAX_GRAPHEMES: usize = 5_000;
    /// The most bytes as a JSON string, quotes included, so that every frame with a message fits API Gateway's 32 KB.
    pub const MAX_JSON_BYTES: usize = 16 * 1024;

    /// Accepts 1 to 5,000 characters that are not all white space, at most 16 KiB as JSON, and keeps them in NFC.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        // Normalizing first would spend time on a megabyte that is refused anyway.
        if input.len() > 4 * Self::MAX_JSON_BYTES {
            return Err(Invalid::TooLong);
        }
        let text: String = input.nfc().collect();
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err(Invalid::ControlCharacter);
        }
        if text.trim().is_empty() {
            return Err(Invalid::Blank);
        }
        if json_bytes(&text) > Self::MAX_JSON_BYTES || text.graphemes(true).count() > Self::MAX_GRAPHEMES {
            return Err(Invalid::TooLong);
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The length of a text without control characters but newline and tab, as a JSON string.
fn json_bytes(text: &str) -> usize {
    2 + text.len() + text.bytes().filter(|b| matches!(b, b'"' | b'\\' | b'\n' | b'\t')).count()
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({} bytes)", self.0.len())
    }
}

/// The name that a client gave to a message before it was sent, so that a retry is the same message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientId {
    text: String,
    is_generated: bool,
}

impl ClientId {
    /// Accepts 1 to 64 visible ASCII characters.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        match input.len() {
            0 => Err(Invalid::Blank),
            1..=64 if input.bytes().all(|b| b.is_ascii_graphic()) => {
                Ok(Self { text: input.to_owned(), is_generated: false })
            }
            1..=64 => Err(Invalid::ForbiddenCharacter),
            _ => Err(Invalid::TooLong),
        }
    }

    /// A name for a message whose client gave it none.
    pub fn generate(random: Random) -> Self {
        Self { text: format!("{:032x}", u128::from_be_bytes(random.bytes())), is_generated: true }
    }

    /// Whether the server made it, so that no earlier request can have used it.
    pub fn is_generated(&self) -> bool {
        self.is_generated
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The type of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum MessageType {
    /// Words.
    Text,
    /// A picture.
    Image,
    /// A file.
    File,
    /// A change of the room, told by the server.
    System,
}

impl MessageType {
    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Refuses what no client may send: `system` is the server's, `image` and `file` need uploads.
    pub const fn sendable(self) -> Result<Self, Invalid> {
        match self {
            Self::Text => Ok(self),
            Self::Image | Self::File | Self::System => Err(Invalid::Unsupported),
        }
    }
}

/// A message that is to be sent.
#[derive(Debug, Clone)]
pub struct MessageDraft {
    /// Where to.
    pub room: RoomKey,
    /// By whom.
    pub user: UserId,
    /// The text.
    pub content: Content,
    /// What it is.
    pub message_type: MessageType,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// The client's name for it.
    pub client_id: ClientId,
}

/// What a reply shows of the message that it answers, as of now.
#[derive(Clone, PartialEq, Eq)]
pub struct Quote {
    /// Which message.
    pub id: MessageId,
    /// Whose.
    pub user: UserId,
    /// The beginning of its text, empty once it is deleted.
    pub beginning: String,
    /// Whether it is deleted.
    pub is_deleted: bool,
}

impl Quote {
    /// The most characters of a beginning, as people count them.
    pub const MAX_GRAPHEMES: usize = 100;
    /// The most code points of one: people see one character where texts may have hundreds.
    pub const MAX_CODE_POINTS: usize = 1_000;

    /// The first characters of a text, with an ellipsis where there are more.
    pub fn beginning_of(text: &str) -> String {
        let mut code_points = 0;
        for (n, (start, grapheme)) in text.grapheme_indices(true).enumerate() {
            code_points += grapheme.chars().count();
            if n == Self::MAX_GRAPHEMES || code_points > Self::MAX_CODE_POINTS {
                return format!("{}…", &text[..start]);
            }
        }
        text.to_owned()
    }
}

impl From<&Message> for Quote {
    fn from(message: &Message) -> Self {
        Self {
            id: message.id,
            user: message.user,
            beginning: Self::beginning_of(&message.content),
            is_deleted: message.deleted_at.is_some(),
        }
    }
}

impl std::fmt::Debug for Quote {
    // Nor does a part of one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quote").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A message as of its `rev`.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Which.
    pub id: MessageId,
    /// Where.
    pub room: RoomKey,
    /// By whom.
    pub user: UserId,
    /// The text, empty once deleted.
    pub content: String,
    /// What it is.
    pub message_type: MessageType,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// Its place in the room.
    pub seq: Seq,
    /// The place of its latest change.
    pub rev: Rev,
    /// The client's name for it.
    pub client_id: String,
    /// When its author last changed it.
    pub edited_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// When it was sent.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl std::fmt::Debug for Message {
    // A message's text never reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("seq", &self.seq)
            .field("rev", &self.rev)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn content_is_counted_as_people_count() {
        assert!(Content::parse(&"가".repeat(5_000)).is_ok());
        assert_eq!(Content::parse(&"가".repeat(5_001)), Err(Invalid::TooLong));
        assert!(Content::parse(&"👩‍👩‍👧‍👦".repeat(600)).is_ok());
        assert_eq!(Content::parse(&"👩‍👩‍👧‍👦".repeat(700)), Err(Invalid::TooLong));
        assert_eq!(Content::parse(&"\"".repeat(4_000)).unwrap().as_str().len(), 4_000);
    }

    #[test]
    fn content_is_refused_with_its_reason() {
        assert_eq!(Content::parse(""), Err(Invalid::Blank));
        assert_eq!(Content::parse(" \n\t　"), Err(Invalid::Blank));
        assert_eq!(Content::parse("a\u{0}b"), Err(Invalid::ControlCharacter));
        assert_eq!(Content::parse("a\u{7f}"), Err(Invalid::ControlCharacter));
        assert_eq!(Content::parse("a\r\nb"), Err(Invalid::ControlCharacter));
        assert!(Content::parse("줄\n바꿈\t탭").is_ok());
    }

    #[test]
    fn a_quote_is_cut_where_people_see_characters() {
        assert_eq!(Quote::beginning_of("짧다"), "짧다");
        assert_eq!(Quote::beginning_of(&"가".repeat(100)), "가".repeat(100));
        assert_eq!(Quote::beginning_of(&format!("a{}", "\u{301}".repeat(2_000))), "…");
        let family = "👩‍👩‍👧‍👦".repeat(101);
        assert_eq!(Quote::beginning_of(&family), format!("{}…", "👩‍👩‍👧‍👦".repeat(100)));
    }

    proptest! {
        #[test]
        fn accepted_content_is_normal_and_fits(text in "[\\PC\n\t\"\\\\]{0,300}") {
            if let Ok(content) = Content::parse(&text) {
                prop_assert_eq!(content.as_str().nfc().collect::<String>(), content.as_str());
                prop_assert_eq!(json_bytes(content.as_str()), serde_json::to_string(content.as_str()).unwrap().len());
            }
        }

        #[test]
        fn both_forms_of_a_text_are_one(text in "[가-힣a-zé]{1,40}") {
            let nfd: String = text.nfd().collect();
            prop_assert_eq!(Content::parse(&nfd), Content::parse(&text));
        }

        #[test]
        fn a_client_id_is_visible_ascii(text in ".{0,70}") {
            let fits = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
            prop_assert_eq!(ClientId::parse(&text).is_ok(), fits);
        }
    }
}
