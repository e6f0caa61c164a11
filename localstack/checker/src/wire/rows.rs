//! The fields of answers and frames that the checker looks at.

use serde::Deserialize;

use crate::history::{GROUPS, Message, System};

/// The fields of a message that the checker looks at.
#[derive(Deserialize)]
pub(super) struct MessageRow {
    pub(super) id: String,
    pub(super) room_id: u64,
    pub(super) room_type: Kind,
    pub(super) seq: u64,
    pub(super) rev: u64,
    pub(super) user_id: u64,
    pub(super) client_id: Option<String>,
    pub(super) content: String,
    pub(super) is_deleted: bool,
    pub(super) pinned_at: Option<String>,
    #[serde(default)]
    pub(super) mentions: Vec<u64>,
    pub(super) forwarded_from: Option<ForwardedRow>,
    #[serde(default)]
    pub(super) attachments: Vec<FileRow>,
    #[serde(default)]
    pub(super) reactions: Vec<ReactionRow>,
    pub(super) system: Option<SystemRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Private,
    Group,
}

#[derive(Deserialize)]
pub(super) struct ForwardedRow {
    pub(super) user_id: u64,
}

#[derive(Deserialize)]
pub(super) struct FileRow {
    pub(super) id: String,
}

#[derive(Deserialize)]
pub(super) struct LinkRow {
    pub(super) url: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct InviteRow {
    pub(super) id: u64,
    pub(super) code: String,
}

#[derive(Deserialize)]
pub(super) struct ReactionRow {
    pub(super) emoji: String,
    pub(super) count: u64,
}

#[derive(Deserialize)]
pub(super) struct SystemRow {
    pub(super) kind: String,
    pub(super) user_id: Option<u64>,
    pub(super) by: u64,
}

#[derive(Deserialize)]
pub(super) struct PageRow {
    pub(super) items: Vec<MessageRow>,
    pub(super) has_before: bool,
    pub(super) has_after: bool,
    pub(super) cursor: u64,
}

#[derive(Deserialize)]
pub(super) struct FoundRow {
    pub(super) items: Vec<HitRow>,
    pub(super) next_cursor: Option<String>,
    pub(super) incomplete: bool,
}

#[derive(Deserialize)]
pub(super) struct HitRow {
    pub(super) message: MessageRow,
}

#[derive(Deserialize)]
pub(super) struct SyncRow {
    pub(super) items: Vec<MessageRow>,
    pub(super) cursor: u64,
    pub(super) head: u64,
    pub(super) more: bool,
}

#[derive(Deserialize)]
pub(super) struct ListRow<T> {
    pub(super) items: Vec<T>,
}

#[derive(Deserialize)]
pub(super) struct UnreadRow {
    pub(super) room_id: u64,
    pub(super) room_type: String,
    pub(super) unread_count: u64,
    pub(super) read_seq: u64,
}

#[derive(Deserialize)]
pub(super) struct TotalRow {
    pub(super) messages: u64,
    pub(super) badge: u64,
}

#[derive(Deserialize)]
pub(super) struct FriendRow {
    pub(super) user: PersonRow,
    pub(super) is_online: bool,
}

#[derive(Deserialize)]
pub(super) struct PersonRow {
    pub(super) id: u64,
}

#[derive(Deserialize)]
pub(super) struct ReadRow {
    pub(super) read_seq: u64,
    pub(super) unread_count: u64,
}

#[derive(Deserialize)]
pub(super) struct AckRow {
    pub(super) dup: Option<bool>,
    pub(super) message: MessageRow,
}

#[derive(Deserialize)]
pub(super) struct ErrorRow {
    pub(super) code: String,
}

impl From<MessageRow> for Message {
    fn from(row: MessageRow) -> Self {
        Self {
            id: row.id.into(),
            room: match row.room_type {
                Kind::Private => row.room_id,
                Kind::Group => GROUPS + row.room_id,
            },
            seq: row.seq,
            rev: row.rev,
            author: row.user_id,
            client_id: row.client_id.map(Into::into),
            content: row.content.into(),
            deleted: row.is_deleted,
            pinned: row.pinned_at.is_some(),
            mentions: row.mentions.into(),
            forwarded_from: row.forwarded_from.map(|row| row.user_id),
            files: row.attachments.into_iter().map(|row| row.id.into()).collect(),
            reactions: row.reactions.into_iter().map(|row| (row.emoji.into(), row.count)).collect(),
            system: row.system.map(|row| Box::new(System { kind: row.kind.into(), of: row.user_id, by: row.by })),
        }
    }
}
