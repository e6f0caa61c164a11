use crate::{Mongo, fault::store_fault};
use domain::Fault;
use mongodb::{
    IndexModel,
    bson::{Document, doc, oid::ObjectId},
    options::IndexOptions,
};
use std::time::Duration;

/// The version that this code creates and expects; raised with every change of [`indexes`].
const VERSION: i32 = 7;

pub(crate) const MESSAGES: &str = "messages";
pub(crate) const ROOMS: &str = "rooms";
pub(crate) const SOCKETS: &str = "sockets";
pub(crate) const TICKETS: &str = "tickets";
pub(crate) const PEOPLE: &str = "people";
pub(crate) const PRESENCE: &str = "presence";
pub(crate) const PROVIDER_TOKENS: &str = "provider_tokens";
pub(crate) const READ_STATES: &str = "read_states";
pub(crate) const LIMITS: &str = "limits";
pub(crate) const GATES: &str = "gates";
const SCHEMA: &str = "schema";

/// Since when a room's order stands in the document of the room.
const ONE_ROOM_DOCUMENT_SINCE: i32 = 3;
/// Since when a person's connections stand in one document.
const ONE_SOCKETS_DOCUMENT_SINCE: i32 = 4;
/// How long connections that are over are kept, for who looks for people that are not online any more.
pub(crate) const SOCKETS_KEPT_FOR: Duration = Duration::from_hours(1);

/// Which schema the database has, and which this code expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaVersion {
    /// What was last migrated to, 0 before the first time.
    pub found: i32,
    /// What this code needs.
    pub expected: i32,
}

impl SchemaVersion {
    /// Whether the database has at least what this code expects; newer schemas serve older code.
    pub fn is_current(self) -> bool {
        self.found >= self.expected
    }
}

/// Collections, indexes, and their version.
#[derive(Debug, Clone, Copy)]
pub struct Schema<'a>(pub(crate) &'a Mongo);

impl Schema<'_> {
    /// Which schema the database has.
    pub async fn version(self) -> Result<SchemaVersion, Fault> {
        let found = self.0.documents(SCHEMA).find_one(doc! { "_id": "version" }).await.map_err(store_fault)?;
        let found = found.and_then(|version| version.get_i32("number").ok()).unwrap_or(0);
        Ok(SchemaVersion { found, expected: VERSION })
    }

    /// Creates what is missing of the indexes, and moves documents of older versions; safe to run again, and twice at once.
    /// Refuses a newer schema.
    pub async fn ensure(self) -> Result<SchemaVersion, Fault> {
        let version = self.version().await?;
        if version.found > version.expected {
            return Err(Fault::internal(format!(
                "the MongoDB schema has version {}, this code knows {}: deploy newer code",
                version.found, version.expected
            )));
        }
        if (1..ONE_ROOM_DOCUMENT_SINCE).contains(&version.found) {
            self.move_room_heads().await?;
        }
        if (1..ONE_SOCKETS_DOCUMENT_SINCE).contains(&version.found) {
            self.drop_connections().await?;
        }
        if version.found >= ONE_SOCKETS_DOCUMENT_SINCE {
            self.keep_sockets().await?;
        }
        for (collection, models) in indexes() {
            self.0.documents(collection).create_indexes(models).await.map_err(store_fault)?;
        }
        self.drop_old_indexes().await?;
        let raise = doc! { "$max": { "number": VERSION } };
        self.0
            .documents(SCHEMA)
            .update_one(doc! { "_id": "version" }, raise)
            .upsert(true)
            .await
            .map_err(store_fault)?;
        Ok(SchemaVersion { found: VERSION, expected: VERSION })
    }
}

fn indexes() -> [(&'static str, Vec<IndexModel>); 9] {
    let room = |rest: Document| {
        let mut keys = doc! { "room_type": 1, "room_id": 1 };
        keys.extend(rest);
        keys
    };
    let pending = IndexOptions::builder()
        .name("messages_fanout_idx".to_owned())
        .partial_filter_expression(doc! { "fanout.pending": true })
        .build();
    // Only of messages of which devices are still to be told, which are few.
    let unnotified = IndexOptions::builder()
        .name("messages_notify_idx".to_owned())
        .partial_filter_expression(doc! { "notify_at": { "$exists": true } })
        .build();
    // Only of messages with reactions, which are few.
    let reactors = IndexOptions::builder()
        .name("messages_reactors_idx".to_owned())
        .partial_filter_expression(doc! { "reactions.users.user": { "$exists": true } })
        .build();
    let replies = IndexOptions::builder()
        .name("messages_replies_idx".to_owned())
        .partial_filter_expression(doc! { "reply_to": { "$gt": ObjectId::from_bytes([0; 12]) } })
        .build();
    let hiding = IndexOptions::builder()
        .name("people_hiding_idx".to_owned())
        .partial_filter_expression(doc! { "read_receipts": false })
        .build();
    let open = IndexOptions::builder()
        .name("sockets_connection_key".to_owned())
        .unique(true)
        .partial_filter_expression(doc! { "open.id": { "$exists": true } })
        .build();
    let private_rooms = IndexOptions::builder()
        .name("rooms_private_activity_idx".to_owned())
        .partial_filter_expression(doc! { "_id": { "$gt": "private:", "$lt": "private;" } })
        .build();
    [
        (
            MESSAGES,
            vec![
                index("messages_room_created_idx", doc! { "room_id": 1, "room_type": 1, "created_at": -1 }),
                // With the id, so that a page of somebody's messages begins exactly where the one before ended.
                index("messages_author_idx", doc! { "user_id": 1, "created_at": 1, "_id": 1 }),
                index("messages_type_created_idx", doc! { "room_type": 1, "created_at": -1 }),
                unique("messages_room_seq_key", room(doc! { "seq": 1 })),
                unique("messages_client_id_key", room(doc! { "user_id": 1, "client_id": 1 })),
                // A reservation that a failover loses is given out again: of two rows with one `rev`, a cursor could pass one.
                unique("messages_room_rev_key", room(doc! { "rev": 1 })),
                IndexModel::builder().keys(doc! { "fanout.at": 1 }).options(pending).build(),
                IndexModel::builder().keys(doc! { "notify_at": 1 }).options(unnotified).build(),
                IndexModel::builder().keys(doc! { "reactions.users.user": 1 }).options(reactors).build(),
                IndexModel::builder().keys(doc! { "reply_to": 1, "seq": 1 }).options(replies).build(),
            ],
        ),
        (
            ROOMS,
            vec![
                // A person's rooms of a kind, and in the order of their names. Messages don't touch it.
                index("rooms_members_id_idx", doc! { "members": 1, "_id": 1 }),
                // Of two people's rooms alone: each message moves one entry per member.
                IndexModel::builder()
                    .keys(doc! { "members": 1, "last_at": -1, "_id": -1 })
                    .options(private_rooms)
                    .build(),
            ],
        ),
        (
            SOCKETS,
            vec![
                // Only of those who have any: documents without a connection would be equal.
                IndexModel::builder().keys(doc! { "open.id": 1 }).options(open).build(),
                index("sockets_session_idx", doc! { "open.session_id": 1 }),
                expiring_after("sockets_ttl", SOCKETS_KEPT_FOR),
            ],
        ),
        (
            PEOPLE,
            vec![
                index("people_name_idx", doc! { "name_key": 1 }),
                // Only of those who share no receipts.
                IndexModel::builder().keys(doc! { "_id": 1, "read_receipts": 1 }).options(hiding).build(),
            ],
        ),
        (PRESENCE, vec![index("presence_checked_idx", doc! { "announced": 1, "checked_at": 1 })]),
        // Creating its default index creates the collection, so that no first write has to.
        (READ_STATES, vec![index("_id_", doc! { "_id": 1 })]),
        (LIMITS, vec![expiring("limits_ttl")]),
        (TICKETS, vec![expiring("tickets_ttl")]),
        (GATES, vec![expiring("gates_ttl")]),
    ]
}

fn index(name: &str, keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).options(IndexOptions::builder().name(name.to_owned()).build()).build()
}

fn unique(name: &str, keys: Document) -> IndexModel {
    let options = IndexOptions::builder().name(name.to_owned()).unique(true).build();
    IndexModel::builder().keys(keys).options(options).build()
}

fn expiring(name: &str) -> IndexModel {
    expiring_after(name, Duration::ZERO)
}

fn expiring_after(name: &str, kept_for: Duration) -> IndexModel {
    let options = IndexOptions::builder().name(name.to_owned()).expire_after(kept_for).build();
    IndexModel::builder().keys(doc! { "expires_at": 1 }).options(options).build()
}
