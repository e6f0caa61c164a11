use crate::App;
use domain::{Code, Fault, PageSize, Rev, RoomKey};
use mongo::Connection;
use realtime::{FramePayload, Ready};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};
use utoipa::ToSchema;

/// The version of the protocol that this code speaks.
const VERSION: u32 = 1;
/// API Gateway closes a connection after two hours; clients come back ten to fifteen minutes before, not all at once.
const RECONNECT_AFTER: Duration = Duration::from_mins(105);
const RECONNECT_SPREAD_SECONDS: u64 = 300;
/// API Gateway closes a connection after ten idle minutes.
const PING_SECONDS: u32 = 270;
const MOST_GAPS: usize = 200;

/// What a client says first.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hello {
    /// The version of the protocol, 1.
    #[schema(example = 1)]
    v: u32,
    /// The language of texts, `ko` or `en`.
    #[schema(example = "ko")]
    #[expect(dead_code, reason = "`Request::language` has read it; here it is named, so that it is no unknown field")]
    lang: Option<String>,
    /// The last `rev` that the client has of each room.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, i64>)]
    cursors: BTreeMap<RoomKey, Rev>,
}

/// Tells a client who it is and where it has something to catch up on. Three round trips at once: the rooms' places, unread
/// counts, the person.
pub(crate) async fn hello(app: &App, connection: &Connection, hello: Hello) -> Result<FramePayload, Fault> {
    if hello.v != VERSION {
        return Err(Code::UnsupportedVersion.into());
    }
    let user = connection.user;
    let (gaps, unread, person) = tokio::join!(
        messaging::list_gaps(&app.mongo, user, &hello.cursors, MOST_GAPS),
        app.mongo.list_unread(user, None, PageSize::LARGEST),
        app.mongo.find_person(user),
    );
    let ((gaps, more), unread) = (gaps?, unread?.items);
    let spread = u64::from_be_bytes(app.random.bytes()) % RECONNECT_SPREAD_SECONDS;
    Ok(FramePayload::Ready(Ready {
        user,
        session: connection.session.clone(),
        reconnect_at: connection.connected_at.plus(RECONNECT_AFTER + Duration::from_secs(spread)).seconds(),
        ping_s: PING_SECONDS,
        gaps,
        more,
        unread: unread.into_iter().map(|summary| (summary.room, summary.unread)).collect(),
        user_rev: person?.map_or(0, |person| person.version),
    }))
}
