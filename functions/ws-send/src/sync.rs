use crate::App;
use domain::{Fault, PageSize, Rev, RoomKey};
use messaging::SyncRoom;
use mongo::Connection;
use realtime::FramePayload;
use serde::Deserialize;
use utoipa::ToSchema;

/// API Gateway's frames have 32 KB; the page's own fields and the frame's need little of it.
const MAX_BYTES: usize = 29 * 1024;

/// Since when, and where.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sync {
    /// Which room.
    #[schema(value_type = String, example = "private:12")]
    room: RoomKey,
    /// The cursor that the client has.
    #[schema(value_type = i64)]
    after_rev: Rev,
    /// 1 to 100; 30 unless given.
    limit: Option<i64>,
}

/// Tells what changed in a room since a cursor; the round trips of `messaging::sync_room`.
pub(crate) async fn sync(app: &App, connection: &Connection, sync: Sync) -> Result<FramePayload, Fault> {
    let limit = PageSize::parse(sync.limit)?;
    let query =
        SyncRoom { room: sync.room, user: connection.user, after: sync.after_rev, limit, max_bytes: Some(MAX_BYTES) };
    Ok(FramePayload::Sync(messaging::sync_room(&app.mongo, query).await?))
}
