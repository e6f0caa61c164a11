//! Documents of schemas before this one. Nothing else reads them.

use crate::{
    Schema,
    fault::{is_read_lost, store_fault},
    schema::{MESSAGES, ROOMS, SOCKETS, SOCKETS_KEPT_FOR},
};
use domain::{Fault, SessionId};
use futures_util::TryStreamExt as _;
use mongodb::{
    bson::{DateTime, Document, doc},
    error::{Error, ErrorKind},
};
use serde::Deserialize;

/// Until version 2: the order of a room beside the room.
const ROOM_HEADS: &str = "room_heads";
/// Until version 2: sessions that ended while their tokens lived.
const REVOCATIONS: &str = "revocations";
/// Until version 2: the index on `members.user_id`.
const OLD_MEMBERS_INDEX: &str = "rooms_member_idx";
/// Until version 5: the index on `members` alone.
const NAMELESS_MEMBERS_INDEX: &str = "rooms_members_idx";
/// Until version 3: one document per connection.
const CONNECTIONS: &str = "connections";

/// Until version 5: the index on authors, without the id.
const IDLESS_AUTHORS_INDEX: &str = "messages_user_created_idx";

/// The index that removes connections which are over.
const SOCKETS_INDEX: &str = "sockets_ttl";

/// How often rooms are moved before a migration gives up.
const MOST_TRIES: u32 = 10;

impl Schema<'_> {
    /// Sessions that a version before 3 noted as ended; their people's gates must know them before [`Schema::ensure`].
    pub async fn list_revoked_sessions(self) -> Result<Vec<SessionId>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            session: SessionId,
        }
        let rows: Vec<Row> = async { self.0.collection::<Row>(REVOCATIONS).find(doc! {}).await?.try_collect().await }
            .await
            .map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| row.session).collect())
    }

    /// Puts the order of each room into the document of the room, members as plain numbers, and drops what is read no more.
    ///
    /// Entries in flight are not taken along: a message that was being written meanwhile counts as abandoned, and the sweep
    /// stamps it.
    pub(crate) async fn move_room_heads(self) -> Result<(), Fault> {
        let rooms = self.0.documents(ROOMS);
        let number = |field: &str| doc! { "$ifNull": [format!("$head.{field}"), 0_i64] };
        let is_staff = doc! { "$ne": ["$$member.role", "member"] };
        // A second migration may read a room before the first one moves it, and its head after the first one dropped it.
        let is_old = doc! { "$eq": [{ "$type": "$seq" }, "missing"] };
        let unless_moved = vec![doc! { "$replaceWith": { "$cond": [is_old, "$$new", "$$ROOT"] } }];
        let pipeline = [
            doc! { "$match": { "seq": { "$exists": false } } },
            doc! { "$lookup": { "from": ROOM_HEADS, "localField": "_id", "foreignField": "_id", "as": "head" } },
            doc! { "$set": { "head": { "$first": "$head" } } },
            doc! { "$set": {
                "staff": { "$filter": { "input": "$members", "as": "member", "cond": is_staff } },
                "members": "$members.user_id",
                "blocked": { "$ifNull": ["$blocked", false] },
                "seq": number("seq"),
                "rev": number("rev"),
                "last_at": { "$ifNull": ["$head.last_at", DateTime::from_millis(0)] },
                "last_id": null,
                "inflight": Vec::<Document>::new(),
            } },
            doc! { "$unset": "head" },
            doc! { "$merge": { "into": ROOMS, "on": "_id", "whenMatched": unless_moved } },
        ];
        // A migration beside this one drops what this one reads, which ends the read: it begins anew, as it may.
        let mut tries = 0;
        while let Err(error) = rooms.aggregate(pipeline.clone()).await {
            tries += 1;
            if tries == MOST_TRIES || !is_read_lost(&error) {
                return Err(store_fault(error));
            }
        }
        unless_missing(rooms.drop_index(OLD_MEMBERS_INDEX).await)?;
        for old in [ROOM_HEADS, REVOCATIONS] {
            self.0.documents(old).drop().await.map_err(store_fault)?;
        }
        Ok(())
    }

    /// Lets the index that removes connections which are over wait.
    pub(crate) async fn keep_sockets(self) -> Result<(), Fault> {
        let seconds = i64::try_from(SOCKETS_KEPT_FOR.as_secs()).unwrap_or(i64::MAX);
        let index = doc! { "name": SOCKETS_INDEX, "expireAfterSeconds": seconds };
        let changed = self.0.database.run_command(doc! { "collMod": SOCKETS, "index": index }).await;
        unless_missing(changed.map(drop))
    }

    /// Drops indexes that others have replaced, once those are there.
    pub(crate) async fn drop_old_indexes(self) -> Result<(), Fault> {
        unless_missing(self.0.documents(ROOMS).drop_index(NAMELESS_MEMBERS_INDEX).await)?;
        unless_missing(self.0.documents(MESSAGES).drop_index(IDLESS_AUTHORS_INDEX).await)
    }

    /// Forgets the connections of a version before 4: their clients are told to connect again with their next frame.
    pub(crate) async fn drop_connections(self) -> Result<(), Fault> {
        self.0.documents(CONNECTIONS).drop().await.map_err(store_fault)
    }
}

/// What is not there need not be dropped.
fn unless_missing(dropped: Result<(), Error>) -> Result<(), Fault> {
    // NamespaceNotFound, IndexNotFound
    let is_missing =
        |error: &Error| matches!(error.kind.as_ref(), ErrorKind::Command(command) if matches!(command.code, 26 | 27));
    match dropped {
        Err(error) if !is_missing(&error) => Err(store_fault(error)),
        _ => Ok(()),
    }
}
