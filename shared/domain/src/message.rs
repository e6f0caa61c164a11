use crate::{
    Attach, Attachment, Invalid, LatestChange, Mentions, MessageId, Pin, Random, Reaction, Rev, RoomKey, Seq, System,
    Timestamp, UploadId, UploadKind, UserId,
    text::{is_blank, with_line_feeds},
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use strum::IntoStaticStr;
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// The text of a message; empty where its files say everything.
#[derive(Clone, PartialEq, Eq)]
pub struct Content(String);

impl Content {
    /// The longest content in graphemes.
    pub const MAX_GRAPHEMES: usize = 5_000;
    /// The longest content in bytes as a JSON string with its quotes. Every frame with a message then fits API Gateway's 32 KB.
    pub const MAX_JSON_BYTES: usize = 16 * 1024;
    /// The same beside attachments, of which ten take the rest of a frame.
    pub const MAX_JSON_BYTES_BESIDE_FILES: usize = 4 * 1024;

    /// Accepts 1 to 5,000 characters of which one is visible, at most 16 KiB as JSON, and keeps them in NFC with LF as the
    /// only line end.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        // Normalizing first would spend time on a megabyte that is refused anyway.
        if input.len() > 4 * Self::MAX_JSON_BYTES {
            return Err(Invalid::TooLong);
        }
        let text: String = with_line_feeds(input).nfc().collect();
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err(Invalid::ControlCharacter);
        }
        if is_blank(&text) {
            return Err(Invalid::Blank);
        }
        if json_bytes(&text) > Self::MAX_JSON_BYTES || text.graphemes(true).count() > Self::MAX_GRAPHEMES {
            return Err(Invalid::TooLong);
        }
        Ok(Self(text))
    }

    /// Accepts no text as well, which only some messages may have.
    pub fn parse_optional(input: &str) -> Result<Self, Invalid> {
        if input.is_empty() { Ok(Self(String::new())) } else { Self::parse(input) }
    }

    /// Refuses a text that a message of a type can't have.
    pub fn fits(&self, message_type: MessageType) -> Result<(), Invalid> {
        match message_type {
            MessageType::Text if self.0.is_empty() => Err(Invalid::Blank),
            MessageType::Voice if !self.0.is_empty() => Err(Invalid::Contradiction),
            MessageType::Image | MessageType::File | MessageType::Video
                if json_bytes(&self.0) > Self::MAX_JSON_BYTES_BESIDE_FILES =>
            {
                Err(Invalid::TooLong)
            }
            MessageType::System => Err(Invalid::Unsupported),
            MessageType::Text | MessageType::Image | MessageType::File | MessageType::Voice | MessageType::Video => {
                Ok(())
            }
        }
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

/// A client's own id of a message, chosen before it is sent: a retry with the same id is the same message.
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

    /// An id for a message whose client chose none.
    pub fn generate(random: Random) -> Self {
        Self { text: hex::encode(random.bytes::<16>()), is_generated: true }
    }

    /// The id of the system message of a change of a group. It has a space, which no client can send.
    pub fn of_event(event: i64) -> Self {
        Self { text: format!("event {event}"), is_generated: false }
    }

    /// Whether the server generated it, so that no earlier request can have used it.
    pub fn is_generated(&self) -> bool {
        self.is_generated
    }

    /// The id.
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
    /// A text.
    Text,
    /// Pictures, perhaps with a text.
    Image,
    /// Files, perhaps with a text.
    File,
    /// A voice note, without a text.
    Voice,
    /// A video, perhaps with a text.
    Video,
    /// A notice of the server about a change of the room.
    System,
}

impl MessageType {
    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Refuses the type that clients can't send: `system` is reserved for the server.
    pub const fn sendable(self) -> Result<Self, Invalid> {
        match self {
            Self::Text | Self::Image | Self::File | Self::Voice | Self::Video => Ok(self),
            Self::System => Err(Invalid::Unsupported),
        }
    }

    /// What the files of such a message are; `None` where it has none.
    pub const fn files(self) -> Option<UploadKind> {
        match self {
            Self::Image => Some(UploadKind::Image),
            Self::File => Some(UploadKind::File),
            Self::Voice => Some(UploadKind::Voice),
            Self::Video => Some(UploadKind::Video),
            Self::Text | Self::System => None,
        }
    }

    /// How many files such a message has.
    const fn file_count(self) -> RangeInclusive<usize> {
        match self {
            Self::Image | Self::File => 1..=MessageDraft::MOST_ATTACHMENTS,
            Self::Voice | Self::Video => 1..=1,
            Self::Text | Self::System => 0..=0,
        }
    }

    /// Refuses so many files as such a message can't have.
    pub fn with_files(self, count: usize) -> Result<(), Invalid> {
        let may_be = self.file_count();
        match count {
            count if may_be.contains(&count) => Ok(()),
            0 => Err(Invalid::Required),
            _ if *may_be.end() == 0 => Err(Invalid::Contradiction),
            _ => Err(Invalid::TooLong),
        }
    }
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct MessageDraft {
    /// The room.
    pub room: RoomKey,
    /// The author.
    pub user: UserId,
    /// The text.
    pub content: Content,
    /// The type.
    pub message_type: MessageType,
    /// The message that it replies to.
    pub reply_to: Option<MessageId>,
    /// Who wrote the text, if it is forwarded.
    pub forwarded_from: Option<UserId>,
    /// The uploads that are to be its files, each once.
    pub attachments: Vec<Attach>,
    /// The client's id of it.
    pub client_id: ClientId,
}

impl MessageDraft {
    /// The most files of a message.
    pub const MOST_ATTACHMENTS: usize = 10;
}

/// What a reply shows of the message that it replies to, as of now.
#[derive(Clone, PartialEq, Eq)]
pub struct Quote {
    /// The message's id.
    pub id: MessageId,
    /// The author.
    pub user: UserId,
    /// Its type.
    pub message_type: MessageType,
    /// The beginning of its text, empty once it is deleted.
    pub beginning: String,
    /// Its first file, gone once it is deleted.
    pub attachment: Option<QuotedAttachment>,
    /// Whether it is deleted.
    pub is_deleted: bool,
}

/// What a reply shows of a file of the message that it replies to.
#[derive(Clone, PartialEq, Eq)]
pub struct QuotedAttachment {
    /// The upload that it is.
    pub id: UploadId,
    /// What it is meant to be.
    pub kind: UploadKind,
    /// The file's name.
    pub name: String,
    /// Its own thumbhash, or that of its poster.
    pub thumbhash: Option<String>,
}

impl Quote {
    /// The longest beginning in graphemes.
    pub const MAX_GRAPHEMES: usize = 100;
    /// The longest beginning in code points: a grapheme may have hundreds.
    pub const MAX_CODE_POINTS: usize = 1_000;

    /// The first characters of a text, with an ellipsis if there are more.
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
            message_type: message.message_type,
            beginning: Self::beginning_of(&message.content),
            attachment: message.attachments.first().map(QuotedAttachment::from),
            is_deleted: message.deleted_at.is_some(),
        }
    }
}

impl From<&Attachment> for QuotedAttachment {
    fn from(attachment: &Attachment) -> Self {
        let Attachment { id, kind, name, media, poster } = attachment;
        let of_poster = || poster.as_ref().and_then(|poster| poster.media.thumbhash.as_ref());
        let thumbhash = media.thumbhash.as_ref().or_else(of_poster).cloned();
        Self { id: *id, kind: *kind, name: name.clone(), thumbhash }
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
    /// The message's id.
    pub id: MessageId,
    /// The room.
    pub room: RoomKey,
    /// The author.
    pub user: UserId,
    /// The text; empty if deleted, and in a system message.
    pub content: String,
    /// The type.
    pub message_type: MessageType,
    /// Its files; none in a text, in a system message, and once it is deleted.
    pub attachments: Vec<Attachment>,
    /// What it says, if it is a system message.
    pub system: Option<System>,
    /// The message that it replies to.
    pub reply_to: Option<MessageId>,
    /// Whom the text mentions.
    pub mentions: Mentions,
    /// Who wrote the text, if it was forwarded.
    pub forwarded_from: Option<UserId>,
    /// Who does not want to see it any more. Nobody is told.
    pub hidden_for: Vec<UserId>,
    /// Its number in the room.
    pub seq: Seq,
    /// The number of its latest change in the room.
    pub rev: Rev,
    /// The client's id of it.
    pub client_id: String,
    /// The time of the latest edit.
    pub edited_at: Option<Timestamp>,
    /// The time of deletion.
    pub deleted_at: Option<Timestamp>,
    /// The reactions, by the time of the first one of each emoji.
    pub reactions: Vec<Reaction>,
    /// That it is pinned, if it is.
    pub pin: Option<Pin>,
    /// What its latest change was, where the other fields do not tell.
    pub latest_change: Option<LatestChange>,
    /// The time of sending.
    pub created_at: Timestamp,
    /// The time of the latest change.
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

/// A text that a message had before an edit.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageVersion {
    /// The text.
    pub content: String,
    /// When an edit wrote it; `None` for the text as it was sent.
    pub edited_at: Option<Timestamp>,
    /// The `rev` that the message had with it at the end. No two texts of a message have the same.
    pub rev: Rev,
}

impl std::fmt::Debug for MessageVersion {
    // Nor does a text that was replaced.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MessageVersion").field("rev", &self.rev).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_counted_in_graphemes() {
        assert!(Content::parse(&"가".repeat(5_000)).is_ok());
        assert_eq!(Content::parse(&"가".repeat(5_001)), Err(Invalid::TooLong));
        assert!(Content::parse(&"👩‍👩‍👧‍👦".repeat(600)).is_ok());
        assert_eq!(Content::parse(&"👩‍👩‍👧‍👦".repeat(700)), Err(Invalid::TooLong));
        assert_eq!(Content::parse(&"\"".repeat(4_000)).unwrap().as_str().len(), 4_000);
    }

    #[test]
    fn refused_content_says_why() {
        assert_eq!(Content::parse(""), Err(Invalid::Blank));
        assert_eq!(Content::parse(" \n\t　"), Err(Invalid::Blank));
        assert_eq!(Content::parse("a\u{0}b"), Err(Invalid::ControlCharacter));
        assert_eq!(Content::parse("a\u{7f}"), Err(Invalid::ControlCharacter));
        assert_eq!(Content::parse("a\u{85}b"), Err(Invalid::ControlCharacter));
        assert!(Content::parse("줄\n바꿈\t탭").is_ok());
    }

    #[test]
    fn some_types_may_have_no_text_and_voice_must_not() {
        let fitting =
            |text: &str, message_type| Content::parse_optional(text).and_then(|content| content.fits(message_type));
        assert_eq!(fitting("", MessageType::Text), Err(Invalid::Blank));
        for message_type in [MessageType::Image, MessageType::File, MessageType::Video] {
            assert_eq!(fitting("", message_type), Ok(()));
            assert_eq!(fitting(" ", message_type), Err(Invalid::Blank));
            assert_eq!(fitting(&"a".repeat(4_094), message_type), Ok(()));
            assert_eq!(fitting(&"\"".repeat(2_048), message_type), Err(Invalid::TooLong));
        }
        assert_eq!(fitting("", MessageType::Voice), Ok(()));
        assert_eq!(fitting("안녕", MessageType::Voice), Err(Invalid::Contradiction));
    }

    #[test]
    fn each_type_says_how_many_files_it_has() {
        for (message_type, good, bad) in [
            (MessageType::Text, vec![0], vec![(1, Invalid::Contradiction)]),
            (MessageType::Image, vec![1, 10], vec![(0, Invalid::Required), (11, Invalid::TooLong)]),
            (MessageType::File, vec![1, 10], vec![(0, Invalid::Required), (11, Invalid::TooLong)]),
            (MessageType::Voice, vec![1], vec![(0, Invalid::Required), (2, Invalid::TooLong)]),
            (MessageType::Video, vec![1], vec![(0, Invalid::Required), (2, Invalid::TooLong)]),
        ] {
            assert!(good.iter().all(|count| message_type.with_files(*count).is_ok()), "{message_type:?}");
            for (count, reason) in bad {
                assert_eq!(message_type.with_files(count), Err(reason), "{message_type:?} {count}");
            }
        }
    }

    #[test]
    fn content_needs_one_visible_character() {
        for blank in [
            "\u{200b}",
            "\u{3164}",
            "\u{3164}\u{115f} \n",
            "\u{2800}",
            "\u{200d}\u{fe0f}",
            "\u{202e}\u{202c}",
            "\u{feff}\u{ad}",
        ] {
            assert_eq!(Content::parse(blank), Err(Invalid::Blank), "{}", blank.escape_unicode());
            let visible = format!("{blank}.");
            assert_eq!(Content::parse(&visible).unwrap().as_str(), visible);
        }
    }

    #[test]
    fn every_line_end_of_content_is_a_line_feed() {
        let expected = Content::parse("a\nb\n\nc\n").unwrap();
        for text in ["a\r\nb\r\n\r\nc\r\n", "a\rb\r\rc\r", "a\u{2028}b\u{2029}\u{2028}c\r\n"] {
            assert_eq!(Content::parse(text), Ok(expected.clone()), "{text:?}");
        }
        assert_eq!(Content::parse("\r\n"), Err(Invalid::Blank));
        let long = "가\r\n".repeat(2_500);
        assert!(Content::parse(&long).is_ok(), "a CR LF counts as one character");
    }

    #[test]
    fn no_client_can_send_the_id_of_a_system_message() {
        let id = ClientId::of_event(i64::MAX);
        assert_eq!(ClientId::parse(id.as_str()), Err(Invalid::ForbiddenCharacter));
        assert_ne!(id, ClientId::of_event(1));
    }

    #[test]
    fn quote_is_cut_between_graphemes() {
        assert_eq!(Quote::beginning_of("짧다"), "짧다");
        assert_eq!(Quote::beginning_of(&"가".repeat(100)), "가".repeat(100));
        assert_eq!(Quote::beginning_of(&format!("a{}", "\u{301}".repeat(2_000))), "…");
        let family = "👩‍👩‍👧‍👦".repeat(101);
        assert_eq!(Quote::beginning_of(&family), format!("{}…", "👩‍👩‍👧‍👦".repeat(100)));
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parsed_content_parses_to_itself_and_fits(text in "[\\PC\r\n\t\u{2028}\"\\\\]{0,300}") {
            if let Ok(content) = Content::parse(&text) {
                prop_assert_eq!(&Content::parse(content.as_str()), &Ok(content.clone()));
                prop_assert_eq!(content.as_str().nfc().collect::<String>(), content.as_str());
                prop_assert_eq!(json_bytes(content.as_str()), serde_json::to_string(content.as_str()).unwrap().len());
            }
        }

        #[test]
        fn decomposed_content_is_composed(text in "[가-힣a-zé]{1,40}") {
            let nfd: String = text.nfd().collect();
            prop_assert_eq!(Content::parse(&nfd), Content::parse(&text));
        }

        #[test]
        fn client_id_is_visible_ascii(text in ".{0,70}") {
            let fits = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
            prop_assert_eq!(ClientId::parse(&text).is_ok(), fits);
        }
    }
}
