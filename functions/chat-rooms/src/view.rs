use contract::{ChatRoomView, MessageView};
use domain::{MessageId, PrivateRoom, Quote, RoomKey};
use mongo::RoomSummary;
use std::collections::HashMap;

/// Rooms with their last messages and unread counts, in the order of the summaries.
pub(crate) fn views(
    rooms: Vec<PrivateRoom>,
    summaries: Vec<RoomSummary>,
    quotes: &HashMap<MessageId, Quote>,
) -> Vec<ChatRoomView> {
    let mut rooms: HashMap<RoomKey, PrivateRoom> =
        rooms.into_iter().map(|room| (RoomKey::private(room.id), room)).collect();
    let view = |summary: RoomSummary| {
        let room = rooms.remove(&summary.room)?;
        let last_message = summary.last_message.map(|message| MessageView::of(message, quotes));
        Some(ChatRoomView { last_message, unread_count: summary.unread, ..room.into() })
    };
    summaries.into_iter().filter_map(view).collect()
}
