use crate::App;
use contract::{FramePayload, SyncFrame};
use domain::{Fault, PageSize};
use messaging::SyncRoom;
use mongo::Connection;

/// API Gateway's frames have 32 KB; the page's own fields and the frame's need little of it.
const MAX_BYTES: usize = 29 * 1024;

/// How many changes are looked for unless the client says so: more long ones than fit would be read for nothing.
const ITEMS: i64 = 10;

/// Answers the changes of a room after a cursor.
pub(crate) async fn sync(app: &App, connection: &Connection, sync: SyncFrame) -> Result<FramePayload, Fault> {
    let limit = PageSize::parse(sync.limit.or(Some(ITEMS)))?;
    let query =
        SyncRoom { room: sync.room, user: connection.user, after: sync.after_rev, limit, max_bytes: Some(MAX_BYTES) };
    Ok(FramePayload::Sync(messaging::sync_room(&app.messenger.mongo, query).await?))
}
