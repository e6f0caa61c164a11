use crate::own::hide_room;
use contract::{MessageReceiptsView, ReceiptView, ReceiptsView};
use domain::{Code, Fault, MessageId, RoomKey, UserId};
use mongo::{MOST_TOLD, Mongo, Readers, Receipt, RoomReceipts};
use std::collections::{HashMap, HashSet};

/// How far each member of a room has read. Empty in large rooms, across a block, and for a member who hides receipts.
pub async fn list_receipts(mongo: &Mongo, room: RoomKey, user: UserId) -> Result<ReceiptsView, Fault> {
    let receipts = mongo.read_states().list_receipts(room, user).await?.ok_or(Code::RoomNotFound)?;
    let RoomReceipts { members, blocked, hiding, cursors } = receipts;
    if blocked || members.len() > MOST_TOLD || hiding.contains(&user) {
        return Ok(ReceiptsView { items: Vec::new() });
    }
    let cursors: HashMap<_, _> = cursors.into_iter().map(|receipt| (receipt.user, receipt)).collect();
    let items = members.into_iter().filter(|member| !hiding.contains(member)).map(|member| {
        let cursor = cursors.get(&member);
        ReceiptView {
            user_id: member,
            read_seq: cursor.map(|Receipt { read, .. }| *read).unwrap_or_default(),
            delivered_seq: cursor.map(|Receipt { delivered, .. }| *delivered).unwrap_or_default(),
        }
    });
    Ok(ReceiptsView { items: items.collect() })
}

/// How many members have read a message, and in a small room who has and has not; without its author.
pub async fn list_readers(mongo: &Mongo, id: MessageId, user: UserId) -> Result<MessageReceiptsView, Fault> {
    let message = mongo.messages().find(id).await?.ok_or(Code::MessageNotFound)?.message;
    let readers = mongo.read_states().list_readers(message.room, user, message.seq).await?;
    let Readers { members, blocked, hiding, readers } =
        readers.ok_or(Code::RoomNotFound).map_err(Fault::from).map_err(hide_room)?;
    let is_small = members.len() <= MOST_TOLD;
    let (readers, hiding): (HashSet<_>, HashSet<_>) = (readers.into_iter().collect(), hiding.into_iter().collect());
    let others: Vec<_> = members.into_iter().filter(|member| *member != message.user).collect();
    let member_count = others.len();
    if blocked || hiding.contains(&user) {
        return Ok(MessageReceiptsView { member_count, ..MessageReceiptsView::default() });
    }
    let shown = others.into_iter().filter(|member| !hiding.contains(member));
    let (read_by, not_read_by): (Vec<_>, Vec<_>) = shown.partition(|member| readers.contains(member));
    let read_count = read_by.len();
    let (read_by, not_read_by) = if is_small { (read_by, not_read_by) } else { <_>::default() };
    Ok(MessageReceiptsView { read_count, member_count, read_by, not_read_by })
}
