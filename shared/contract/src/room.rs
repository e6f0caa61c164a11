use crate::{MessageView, ParticipantView};
use domain::{Fault, Invalid, PrivateRoom, RoomId, RoomKind, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A room of two people, as one of them sees it.
#[derive(Serialize, ToSchema)]
pub struct ChatRoomView {
    /// The room's id.
    pub id: RoomId,
    /// Always `private`.
    pub room_type: RoomKind,
    /// Both people, by id.
    #[schema(min_items = 2, max_items = 2)]
    pub participants: [ParticipantView; 2],
    /// The newest message, which may be deleted; null in a room without messages.
    #[schema(required = true)]
    pub last_message: Option<MessageView>,
    /// How many messages the caller has not read, except their own and deleted ones; 100 means more than 99.
    #[schema(example = 2)]
    pub unread_count: i32,
    /// The time of the room's creation.
    pub created_at: Timestamp,
    /// The time of the latest change of the room itself, not of its messages.
    pub updated_at: Timestamp,
}

/// A request for a room with another person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewChatRoom {
    /// The other person.
    pub participant_id: UserId,
}

/// A room without messages.
impl From<PrivateRoom> for ChatRoomView {
    fn from(room: PrivateRoom) -> Self {
        Self {
            id: room.id,
            room_type: RoomKind::Private,
            participants: room.participants.map(ParticipantView::from),
            last_message: None,
            unread_count: 0,
            created_at: room.created_at,
            updated_at: room.updated_at,
        }
    }
}

impl NewChatRoom {
    /// Both people of the room; refuses the caller as the other person.
    pub fn pair_with(&self, caller: UserId) -> Result<[UserId; 2], Fault> {
        if self.participant_id == caller {
            return Err(Fault::field("participant_id", Invalid::Unsupported));
        }
        Ok([caller, self.participant_id])
    }
}
