use domain::{Message, PrivateRoom, RoomId, RoomKey, Timestamp};
use mongo::{Mongo, RoomSummary};
use realtime::MessageView;
use serde::Serialize;
use std::collections::HashMap;
use utoipa::ToSchema;
use web::ParticipantView;

/// A room of two people, as one of them sees it.
#[derive(Serialize, ToSchema)]
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
    /// The newest message, a deleted one too; null in a room without messages.
    #[schema(required = true)]
    last_message: Option<MessageView>,
    /// How many messages the caller has not read, without their own and deleted ones; 100 means 99 and more.
    #[schema(example = 2)]
    unread_count: i32,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the room itself last changed, not its messages.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// Rooms with what happened in them, in the order of the summaries. One round trip to MongoDB where last messages are replies.
pub(crate) async fn views(
    mongo: &Mongo,
    rooms: Vec<PrivateRoom>,
    summaries: Vec<RoomSummary>,
) -> Result<Vec<ChatRoomView>, domain::Fault> {
    let last = summaries.iter().filter_map(|summary| summary.last_message.as_ref());
    let answered: Vec<_> = last.filter_map(|message| message.reply_to).collect();
    let quotes = mongo.list_quotes(&answered).await?;
    let mut rooms: HashMap<RoomKey, PrivateRoom> =
        rooms.into_iter().map(|room| (RoomKey::private(room.id), room)).collect();
    let view = |summary: RoomSummary| {
        let room = rooms.remove(&summary.room)?;
        let last_message = summary.last_message.map(|message: Message| MessageView::of(message, &quotes));
        Some(ChatRoomView { last_message, unread_count: summary.unread, ..room.into() })
    };
    Ok(summaries.into_iter().filter_map(view).collect())
}

/// The room without a message.
impl From<PrivateRoom> for ChatRoomView {
    fn from(room: PrivateRoom) -> Self {
        Self {
            id: room.id,
            room_type: "private",
            participants: room.participants.map(ParticipantView::from),
            last_message: None,
            unread_count: 0,
            created_at: room.created_at,
            updated_at: room.updated_at,
        }
    }
}
