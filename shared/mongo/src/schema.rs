use crate::{Mongo, fault::store_fault};
use domain::Fault;
use mongodb::{
    IndexModel,
    bson::{Document, doc, oid::ObjectId},
    options::IndexOptions,
};
use std::time::Duration;

/// The version that this code creates and expects; raised with every change of [`indexes`].
const VERSION: i32 = 10;

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
pub(crate) const DEVICES: &str = "devices";
pub(crate) const NOTIFICATION_SETTINGS: &str = "notification_settings";
pub(crate) const SCHEMA: &str = "schema";
pub(crate) const UPLOADS: &str = "uploads";
pub(crate) const USAGES: &str = "usages";

/// What messages are found by.
pub(crate) const GRAMS_INDEX: &str = "messages_grams_idx";
/// A room's messages in their order.
pub(crate) const ROOM_SEQ_KEY: &str = "messages_room_seq_key";

/// How long a device is kept that does not register any more: push services drop those that were not used for months.
const DEVICE_LIFE: Duration = Duration::from_hours(60 * 24);

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
        // It is large, and every start of a test or a migration would carry it along.
        Box::pin(self.begin_backfill(version.found == 0)).await?;
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

fn indexes() -> [(&'static str, Vec<IndexModel>); 13] {
    let room = |rest: Document| {
        let mut keys = doc! { "room_type": 1, "room_id": 1 };
        keys.extend(rest);
        keys
    };
    let of_those_with = |name: &str, field: &str| {
        let options = IndexOptions::builder().name(name.to_owned()).unique(true);
        options.partial_filter_expression(is_there(field)).build()
    };
    let open = of_those_with("sockets_connection_key", "open.id");
    let files = of_those_with("messages_uploads_key", "uploads");
    [
        (
            MESSAGES,
            vec![
                index("messages_room_created_idx", doc! { "room_id": 1, "room_type": 1, "created_at": -1 }),
                // With the id, so that a page of a person's messages begins exactly where the previous one ended.
                index("messages_author_idx", doc! { "user_id": 1, "created_at": 1, "_id": 1 }),
                index("messages_type_created_idx", doc! { "room_type": 1, "created_at": -1 }),
                unique(ROOM_SEQ_KEY, room(doc! { "seq": 1 })),
                unique("messages_client_id_key", room(doc! { "user_id": 1, "client_id": 1 })),
                // A reservation that a failover loses is given out again: of two rows with one `rev`, a cursor could pass one.
                unique("messages_room_rev_key", room(doc! { "rev": 1 })),
                partial("messages_fanout_idx", doc! { "fanout.at": 1 }, doc! { "fanout.pending": true }),
                // Only of messages of which devices are still to be told, which are few.
                partial("messages_notify_idx", doc! { "notify_at": 1 }, is_there("notify_at")),
                // Only of messages with reactions, which are few.
                partial("messages_reactors_idx", doc! { "reactions.users.user": 1 }, is_there("reactions.users.user")),
                partial(
                    "messages_replies_idx",
                    doc! { "reply_to": 1, "seq": 1 },
                    doc! { "reply_to": { "$gt": ObjectId::from_bytes([0; 12]) } },
                ),
                partial("messages_mentions_idx", doc! { "mentions": 1, "created_at": -1 }, is_there("mentions")),
                // The room first: what is said elsewhere makes no search slower. Of messages alone that a search may show.
                partial(GRAMS_INDEX, room(doc! { "g": 1, "created_at": -1 }), is_there("g")),
                // A file belongs to one message, also under concurrent sends.
                IndexModel::builder().keys(doc! { "uploads": 1 }).options(files).build(),
                // Only of deleted messages whose files are not being deleted yet, which are few.
                partial("messages_purge_idx", doc! { "deleted_at": 1 }, is_there("purge")),
            ],
        ),
        (
            ROOMS,
            vec![
                // A person's rooms of a kind, and in the order of their names. Messages don't touch it.
                index("rooms_members_id_idx", doc! { "members": 1, "_id": 1 }),
                // Of two people's rooms alone: each message moves one entry per member.
                partial(
                    "rooms_private_activity_idx",
                    doc! { "members": 1, "last_at": -1, "_id": -1 },
                    doc! { "_id": { "$gt": "private:", "$lt": "private;" } },
                ),
                // Only of groups that were deleted and whose files were not looked for yet, which are few.
                partial("rooms_ended_idx", doc! { "ended.at": 1 }, is_there("ended.at")),
            ],
        ),
        (
            SOCKETS,
            vec![
                // Only of those who have any: documents without a connection would be equal.
                IndexModel::builder().keys(doc! { "open.id": 1 }).options(open).build(),
                index("sockets_session_idx", doc! { "open.session_id": 1 }),
                expiring_after("sockets_ttl", "expires_at", SOCKETS_KEPT_FOR),
            ],
        ),
        (
            PEOPLE,
            vec![
                index("people_name_idx", doc! { "name_key": 1 }),
                // Only of those who share no receipts.
                partial("people_hiding_idx", doc! { "_id": 1, "read_receipts": 1 }, doc! { "read_receipts": false }),
            ],
        ),
        (
            PRESENCE,
            vec![
                index("presence_checked_idx", doc! { "announced": 1, "checked_at": 1 }),
                // Who of somebody's friends is online is known without their documents.
                index("presence_announced_idx", doc! { "announced": 1, "_id": 1 }),
            ],
        ),
        // Creating its default index creates the collection, so that no first write has to.
        (
            READ_STATES,
            vec![
                index("_id_", doc! { "_id": 1 }),
                // Only of rooms with settings of their own, which are few.
                partial("read_states_settings_idx", doc! { "_id.user": 1, "_id.room": 1 }, doc! { "differs": true }),
            ],
        ),
        (
            DEVICES,
            vec![
                index("devices_user_idx", doc! { "_id.user": 1, "seen_at": -1 }),
                unique("devices_token_key", doc! { "token_hash": 1 }),
                expiring_after("devices_ttl", "seen_at", DEVICE_LIFE),
            ],
        ),
        (NOTIFICATION_SETTINGS, vec![index("_id_", doc! { "_id": 1 })]),
        (LIMITS, vec![expiring("limits_ttl")]),
        (TICKETS, vec![expiring("tickets_ttl")]),
        (GATES, vec![expiring("gates_ttl")]),
        (
            UPLOADS,
            vec![
                unique("uploads_client_id_key", doc! { "owner": 1, "client_id": 1 }),
                // Of no upload that something has taken.
                partial("uploads_due_idx", doc! { "due_at": 1 }, is_there("due_at")),
            ],
        ),
        (USAGES, vec![index("usages_checked_idx", doc! { "checked_at": 1 })]),
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
    expiring_after(name, "expires_at", Duration::ZERO)
}

fn expiring_after(name: &str, field: &str, kept_for: Duration) -> IndexModel {
    let options = IndexOptions::builder().name(name.to_owned()).expire_after(kept_for).build();
    IndexModel::builder().keys(doc! { field: 1 }).options(options).build()
}

/// An index of those documents alone for which a condition holds.
fn partial(name: &str, keys: Document, condition: Document) -> IndexModel {
    let options = IndexOptions::builder().name(name.to_owned()).partial_filter_expression(condition).build();
    IndexModel::builder().keys(keys).options(options).build()
}

fn is_there(field: &str) -> Document {
    doc! { field: { "$exists": true } }
}
