use domain::{MessageId, RoomKey, Seq, notification::Preview};
use serde_json::{Map, Value};
use std::fmt;

/// Something that a person is told while no app of theirs is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// What happened.
    pub news: News,
    /// Where; notifications of one room stand together.
    pub room: Option<RoomKey>,
    /// The message. A notification of the same one replaces this.
    pub id: Option<MessageId>,
    /// The message's number. Of [`News::Clear`], how far the person has read.
    pub seq: Option<Seq>,
    /// How much of the message the person wants to see.
    pub preview: Preview,
    /// What stands at the app's icon; `None` leaves what is there.
    pub badge: Option<u32>,
}

/// What happened. Names and texts are whatever people typed.
#[derive(Clone, PartialEq, Eq)]
pub enum News {
    /// Somebody wrote; `group` is the room's name, if it has one.
    Message {
        /// The author.
        sender: String,
        /// The name of the group.
        group: Option<String>,
        /// What the message shows.
        text: Text,
        /// Whether it calls the person.
        is_mention: bool,
    },
    /// Somebody added the person to a group.
    Added {
        /// Who.
        sender: String,
        /// The name of the group.
        group: String,
    },
    /// Somebody asks to be friends.
    FriendRequest {
        /// Who.
        sender: String,
    },
    /// The person wants to see whether notifications come.
    Test,
    /// The person has read elsewhere, or the message is deleted: what is shown of it goes.
    Clear,
}

/// What a message shows.
#[derive(Clone, PartialEq, Eq)]
pub enum Text {
    /// A text.
    Plain(String),
    /// Pictures without a text.
    Photo,
    /// Files without a text.
    File,
    /// A voice note.
    Voice,
    /// A video without a text.
    Video,
}

impl News {
    /// The word for it in what apps are sent.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Message { is_mention: false, .. } => "message",
            Self::Message { is_mention: true, .. } => "mention",
            Self::Added { .. } => "added",
            Self::FriendRequest { .. } => "friend",
            Self::Test => "test",
            Self::Clear => "clear",
        }
    }
}

impl Notification {
    /// What takes the place of what on a device: everything of a room.
    pub(crate) fn tag(&self) -> String {
        self.room.map_or_else(|| self.news.kind().to_owned(), |room| room.to_string())
    }

    /// Which requests are for the same notification.
    pub(crate) fn collapse_id(&self) -> String {
        self.id.map_or_else(|| self.tag(), |id| id.to_string())
    }

    /// What an app gets beside the texts, all of them texts as FCM wants it.
    pub(crate) fn data(&self) -> Map<String, Value> {
        let number = if matches!(self.news, News::Clear) { "read_seq" } else { "seq" };
        let mut data = Map::new();
        let pairs = [
            ("v", Some("1".to_owned())),
            ("kind", Some(self.news.kind().to_owned())),
            ("room", self.room.map(|room| room.to_string())),
            ("id", self.id.map(|id| id.to_string())),
            (number, self.seq.map(|seq| seq.to_string())),
        ];
        data.extend(pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?)))));
        data
    }
}

/// Without what people wrote.
impl fmt::Debug for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(..)", self.kind())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain(..)",
            Self::Photo => "Photo",
            Self::File => "File",
            Self::Voice => "Voice",
            Self::Video => "Video",
        })
    }
}
