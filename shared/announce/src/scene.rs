//! What the tests of this crate share.

use domain::{ConnectionId, Locale, SessionId, Timestamp, UserId};
use mongo::Connection;

pub(crate) fn connection(user: i32, name: &str) -> Connection {
    Connection {
        id: ConnectionId(name.to_owned()),
        user: UserId(user),
        session: SessionId(String::new()),
        locale: Locale::En,
        connected_at: Timestamp::from_millis(0),
        active_until: Timestamp::from_millis(0),
        viewing: None,
    }
}
