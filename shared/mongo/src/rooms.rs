use crate::{
    Connection, Mongo,
    connections::ConnectionDocument,
    fault::{is_duplicate_key, store_fault},
    schema::{CONNECTIONS, HEADS, ROOMS},
};
use domain::{Access, Fault, Member, Rev, Role, RoomKey, Timestamp, UserId};
use futures_util::TryStreamExt as _;
use mongodb::{
    ClientSession,
    bson::{DateTime, deserialize_from_document, doc},
    results::UpdateResult,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A room's projection: who may do what in it.
#[derive(Debug, Serialize, Deserialize)]
struct RoomDocument {
    #[serde(rename = "_id")]
    id: RoomKey,
    version: i64,
    members: Vec<MemberDocument>,
    #[serde(default)]
    blocked: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct MemberDocument {
    user_id: UserId,
    role: Role,
}

impl From<RoomDocument> for Access {
    fn from(room: RoomDocument) -> Self {
        let members = room.members.into_iter().map(|m| Member { user: m.user_id, role: m.role }).collect();
        Self { room: room.id, version: room.version, members, blocked: room.blocked }
    }
}

impl Mongo {
    /// Who may do what in a room, as a majority knows it. One round trip.
    pub async fn find_access(&self, room: RoomKey) -> Result<Option<Access>, Fault> {
        let found = self.database.collection::<RoomDocument>(ROOMS).find_one(doc! { "_id": room.to_string() }).await;
        Ok(found.map_err(store_fault)?.map(Access::from))
    }

    pub(crate) async fn find_access_in(
        &self,
        session: &mut ClientSession,
        room: RoomKey,
    ) -> Result<Option<Access>, Fault> {
        let rooms = self.database.collection::<RoomDocument>(ROOMS);
        let found = rooms.find_one(doc! { "_id": room.to_string() }).session(session).await;
        Ok(found.map_err(store_fault)?.map(Access::from))
    }

    /// Writes a room as of its version, unless a newer one is there, and closes the head to older rights. A room in which
    /// nothing has happened yet stands in lists as of when it was made.
    ///
    /// Two round trips; three when nothing is newer. The head's write comes last: its majority has the room's too.
    ///
    /// Repeating it is harmless, and so is any order of two versions.
    pub async fn project_room(&self, access: &Access, created_at: Timestamp) -> Result<(), Fault> {
        let room = access.room.to_string();
        let members: Vec<_> =
            access.members.iter().map(|m| doc! { "user_id": m.user.0, "role": m.role.as_str() }).collect();
        let whole = doc! { "$set": { "version": access.version, "members": members, "blocked": access.blocked } };
        let older = doc! { "_id": &room, "version": { "$lt": access.version } };
        let rooms = self.documents(ROOMS);
        let write = || async { rooms.update_one(older.clone(), whole.clone()).upsert(true).await };
        // The upsert collides with any document that the filter passes over: with one that another inserted this moment,
        // which may be older, and then with none but the same or a newer version.
        if collided(write().await)? {
            collided(write().await)?;
        }
        let raise = doc! {
            "$max": { "access": access.version },
            "$setOnInsert": { "seq": 0_i64, "rev": 0_i64, "last_at": DateTime::from_millis(created_at.millis()), "inflight": [] },
        };
        let heads = self.documents(HEADS);
        let close = || async { heads.update_one(doc! { "_id": &room }, raise.clone()).upsert(true).await };
        if collided(close().await)? {
            close().await.map_err(store_fault)?;
        }
        Ok(())
    }

    /// The live connections of a room's members, as a majority knows both. One round trip.
    pub async fn list_room_connections(&self, room: RoomKey, now: Timestamp) -> Result<Vec<Connection>, Fault> {
        let pipeline = [
            doc! { "$match": { "_id": room.to_string() } },
            doc! { "$lookup": {
                "from": CONNECTIONS, "localField": "members.user_id", "foreignField": "user_id", "as": "connection",
                "pipeline": [{ "$match": { "expires_at": { "$gt": DateTime::from_millis(now.millis()) } } }],
            } },
            doc! { "$unwind": "$connection" },
            doc! { "$replaceRoot": { "newRoot": "$connection" } },
        ];
        let found: Vec<_> = async { self.documents(ROOMS).aggregate(pipeline).await?.try_collect().await }
            .await
            .map_err(store_fault)?;
        let parsed = found.into_iter().map(deserialize_from_document::<ConnectionDocument>);
        parsed.map(|row| row.map(Connection::from).map_err(Fault::internal)).collect()
    }

    /// The newest `rev` of each room that a person is in. One round trip.
    pub async fn list_room_revs(&self, user: UserId) -> Result<HashMap<RoomKey, Rev>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            room: RoomKey,
            rev: Rev,
        }
        let pipeline = [
            doc! { "$match": { "members.user_id": user.0 } },
            doc! { "$project": { "_id": 1 } },
            doc! { "$lookup": { "from": HEADS, "localField": "_id", "foreignField": "_id", "as": "head" } },
            doc! { "$project": { "rev": { "$ifNull": [{ "$first": "$head.rev" }, 0_i64] } } },
        ];
        let rows: Vec<_> = async { self.documents(ROOMS).aggregate(pipeline).await?.try_collect().await }
            .await
            .map_err(store_fault)?;
        let parsed = rows.into_iter().map(deserialize_from_document::<Row>);
        parsed.map(|row| row.map(|row| (row.room, row.rev)).map_err(Fault::internal)).collect()
    }
}

/// Whether an upsert found a document that another one had inserted.
pub(crate) fn collided(written: mongodb::error::Result<UpdateResult>) -> Result<bool, Fault> {
    match written {
        Ok(_) => Ok(false),
        Err(error) if is_duplicate_key(&error) => Ok(true),
        Err(error) => Err(store_fault(error)),
    }
}
