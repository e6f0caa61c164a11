use super::{QuietHours, TimeZone};
use crate::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

/// Above how many members a room is a large one, whose messages are many.
pub const LARGE_ROOM: usize = 100;

/// Which messages a person is notified of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Level {
    /// Every message.
    #[default]
    All,
    /// Those that mention them.
    Mentions,
    /// No message.
    None,
}

impl Level {
    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// How much of a message a notification shows; the later one shows more.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, EnumString, IntoStaticStr,
)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Preview {
    /// That there is one.
    None,
    /// Also who sent it, and where.
    Sender,
    /// Also the text.
    #[default]
    Full,
}

impl Preview {
    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What a person is notified of, in every room that has no settings of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationSettings {
    /// Which messages of rooms of up to [`LARGE_ROOM`] members.
    pub level: Level,
    /// Which messages of larger rooms.
    pub large_room_level: Level,
    /// How much a notification shows.
    pub preview: Preview,
    /// Until when nothing rings.
    pub paused_until: Option<Timestamp>,
    /// The hours in which nothing rings.
    pub quiet: Option<QuietHours>,
    /// Whether friend requests ring.
    pub friend_requests: bool,
    /// Whether `@channel` counts as a mention of them.
    pub wide: bool,
}

/// What a person wants otherwise in one room; a field that is `None` is as everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoomSettings {
    /// Which messages.
    pub level: Option<Level>,
    /// Until when the room is muted.
    pub muted_until: Option<Timestamp>,
    /// Whether `@channel` counts as a mention of them.
    pub wide: Option<bool>,
}

impl Default for NotificationSettings {
    fn default() -> Self {
        Self {
            level: Level::All,
            large_room_level: Level::Mentions,
            preview: Preview::Full,
            paused_until: None,
            quiet: None,
            friend_requests: true,
            wide: true,
        }
    }
}

impl NotificationSettings {
    /// Whether nothing rings on a device in a zone.
    pub fn are_quiet(&self, at: Timestamp, device: Option<&TimeZone>) -> bool {
        self.are_paused(at) || self.quiet.as_ref().is_some_and(|quiet| quiet.cover(at, device))
    }

    /// Whether the person wants nothing at a moment, on no device.
    pub fn are_paused(&self, at: Timestamp) -> bool {
        self.paused_until.is_some_and(|until| at < until)
    }

    /// Which messages of a room with so many members.
    pub fn level_in(&self, room: &RoomSettings, members: usize) -> Level {
        let everywhere = if members > LARGE_ROOM { self.large_room_level } else { self.level };
        room.level.unwrap_or(everywhere)
    }

    /// Whether `@channel` counts as a mention of the person in a room.
    pub fn wide_in(&self, room: &RoomSettings) -> bool {
        room.wide.unwrap_or(self.wide)
    }
}

impl RoomSettings {
    /// Whether all is as everywhere.
    pub fn are_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the room is muted at a moment.
    pub fn are_muted(&self, at: Timestamp) -> bool {
        self.muted_until.is_some_and(|until| at < until)
    }
}
