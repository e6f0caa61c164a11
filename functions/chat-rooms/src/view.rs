use domain::{PrivateRoom, Profile, RoomId, Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;

/// A room of two people.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChatRoomView {
    /// The room's number.
    #[schema(value_type = i32, example = 12)]
    id: RoomId,
    /// Always `private`.
    #[schema(value_type = String, example = "private")]
    room_type: &'static str,
    /// Both people, by id.
    #[schema(min_items = 2, max_items = 2)]
    participants: [ParticipantView; 2],
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// What everyone may see of a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParticipantView {
    /// The person's number.
    #[schema(value_type = i32, example = 3)]
    id: UserId,
    /// The unique name.
    #[schema(example = "gildong")]
    username: String,
    /// The shown name, where one was chosen.
    #[schema(required = true, example = "홍길동")]
    display_name: Option<String>,
    /// The line about themselves, where there is one.
    #[schema(required = true)]
    status_message: Option<String>,
}

impl From<PrivateRoom> for ChatRoomView {
    fn from(room: PrivateRoom) -> Self {
        Self {
            id: room.id,
            room_type: "private",
            participants: room.participants.map(ParticipantView::from),
            created_at: room.created_at,
            updated_at: room.updated_at,
        }
    }
}

impl From<Profile> for ParticipantView {
    fn from(profile: Profile) -> Self {
        let Profile { id, username, display_name, status_message } = profile;
        Self { id, username, display_name, status_message }
    }
}
