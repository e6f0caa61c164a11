mod ended;

pub use ended::EndedRoom;

use crate::{Mongo, fault::store_fault, one_batch, people::document, schema::ROOMS};
use domain::{Access, Fault, Picture, Rev, Rights, Role, RoomId, RoomKey, RoomKind, Timestamp, UserId, WideMentions};
use futures_util::TryStreamExt as _;
use mongodb::{
    bson::{DateTime, Document, doc},
    options::ReadConcern,
};
use serde::Deserialize;

/// The repository of `rooms`: one document per room, with who may do what in it, projected from MySQL, and the order of what
/// happens there, its own.
#[derive(Debug, Clone, Copy)]
pub struct Rooms<'a>(pub(crate) &'a Mongo);

/// A room as MongoDB knows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KnownRoom {
    /// Which.
    #[serde(rename = "_id")]
    pub room: RoomKey,
    /// Of what version its rights are.
    pub version: i64,
    /// Who is in it; nobody in one that is gone.
    #[serde(default)]
    pub members: Vec<UserId>,
}

/// Who is in a room, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NamedRoom {
    /// What a group is called, where that is known.
    #[serde(default)]
    pub name: Option<String>,
    /// Who is in it; nobody in one that is gone.
    #[serde(default)]
    pub members: Vec<UserId>,
}

/// Who may do what in a group, and what it is called.
#[derive(Debug, Clone, Copy)]
pub struct GroupRights<'a> {
    /// Its members.
    pub access: &'a Access,
    /// What it is called.
    pub name: &'a str,
    /// Who may mention all members while it is large.
    pub wide_mentions: WideMentions,
    /// Whether everybody may see its picture.
    pub is_public: bool,
    /// Its picture, if it shows one.
    pub picture: Option<&'a Picture>,
}

#[derive(Deserialize)]
struct RightsRow {
    version: i64,
    #[serde(default)]
    members: Vec<UserId>,
    #[serde(default)]
    staff: Vec<StaffRow>,
    blocked: bool,
}

#[derive(Deserialize)]
struct StaffRow {
    role: Role,
}

/// The role of one person, whose row is the only one if there is any.
fn role_of(staff: &[StaffRow]) -> Role {
    staff.first().map_or(Role::Member, |staff| staff.role)
}

impl Rooms<'_> {
    /// Writes who may do what in a room as of its version, and returns the version that is there: a newer one stays. A room in which
    /// nothing has happened yet stands in lists as of when it was made.
    ///
    /// Never a replacement: the room's numbers stay. Idempotent, and independent of the order of two versions. After it nobody
    /// reserves a position by rights of an older version.
    pub async fn project(self, access: &Access, created_at: Timestamp) -> Result<i64, Fault> {
        self.project_with(access, Document::new(), Document::new(), created_at).await
    }

    /// The same of a group. One without members is deleted: what it has of files is looked for later.
    pub async fn project_group(self, group: GroupRights<'_>, created_at: Timestamp) -> Result<i64, Fault> {
        let GroupRights { access, name, wide_mentions, is_public, picture } = group;
        let more = doc! {
            "name": name, "wide_mentions": wide_mentions.as_str(), "public": is_public, "picture": document(picture),
        };
        let ended = if access.members.is_empty() {
            doc! { "$currentDate": { "ended.at": true } }
        } else {
            doc! {}
        };
        self.project_with(access, more, ended, created_at).await
    }

    /// `more` is set as well, and `then` is done beside it.
    async fn project_with(
        self,
        access: &Access,
        more: Document,
        then: Document,
        created_at: Timestamp,
    ) -> Result<i64, Fault> {
        let members: Vec<i32> = access.members.iter().map(|member| member.user.0).collect();
        let staff = access.members.iter().filter(|member| member.role > Role::Member);
        let staff: Vec<Document> =
            staff.map(|member| doc! { "user_id": member.user.0, "role": member.role.as_str() }).collect();
        let mut set = doc! { "version": access.version, "members": members, "staff": staff, "blocked": access.blocked };
        set.extend(more);
        let mut change = doc! {
            "$set": set,
            "$setOnInsert": {
                "seq": 0_i64, "rev": 0_i64, "last_at": DateTime::from_millis(created_at.millis()), "last_id": null,
                "inflight": [],
            },
        };
        change.extend(then);
        self.0.project(ROOMS, access.room.to_string(), access.version, change).await
    }

    /// What one person may do in a room, as a majority knows it; `None` for who is not in it.
    pub async fn find_rights(self, room: RoomKey, user: UserId) -> Result<Option<Rights>, Fault> {
        self.rights(room, user, ReadConcern::majority()).await
    }

    /// The same as the primary has it: what the filter of a reservation has just seen.
    pub async fn find_rights_now(self, room: RoomKey, user: UserId) -> Result<Option<Rights>, Fault> {
        self.rights(room, user, ReadConcern::local()).await
    }

    async fn rights(self, room: RoomKey, user: UserId, concern: ReadConcern) -> Result<Option<Rights>, Fault> {
        let only_theirs = doc! {
            "version": 1, "blocked": 1,
            "members": { "$elemMatch": { "$eq": user.0 } },
            "staff": { "$elemMatch": { "user_id": user.0 } },
        };
        let rooms = self.0.collection::<RightsRow>(ROOMS);
        let this = doc! { "_id": room.to_string() };
        let found = rooms.find_one(this).projection(only_theirs).read_concern(concern).await.map_err(store_fault)?;
        let found = found.filter(|row| !row.members.is_empty());
        Ok(found.map(|row| Rights { room, version: row.version, role: role_of(&row.staff), blocked: row.blocked }))
    }

    /// Who is in a room and what it is called, as a majority knows it.
    pub async fn find_named(self, room: RoomKey) -> Result<Option<NamedRoom>, Fault> {
        let rooms = self.0.collection::<NamedRoom>(ROOMS);
        let found = rooms.find_one(doc! { "_id": room.to_string() }).projection(doc! { "members": 1, "name": 1 }).await;
        found.map_err(store_fault)
    }

    /// The people in a room, as a majority knows them; nobody in one that is gone.
    pub async fn list_members(self, room: RoomKey) -> Result<Vec<UserId>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            members: Vec<UserId>,
        }
        let rooms = self.0.collection::<Row>(ROOMS);
        let found = rooms.find_one(doc! { "_id": room.to_string() }).projection(doc! { "_id": 0, "members": 1 }).await;
        Ok(found.map_err(store_fault)?.map_or_else(Vec::new, |row| row.members))
    }

    /// Those of some rooms that are known to a majority.
    pub async fn list_known(self, rooms: &[RoomKey]) -> Result<Vec<KnownRoom>, Fault> {
        let names: Vec<String> = rooms.iter().map(ToString::to_string).collect();
        let batch = one_batch(names.len());
        self.known(doc! { "_id": { "$in": names } }, batch).await
    }

    /// Rooms of the same kind that somebody is in, by name, those behind one.
    pub async fn list_open(self, after: RoomKey, limit: u32) -> Result<Vec<KnownRoom>, Fault> {
        let [_, end] = names_of(after.kind);
        let these = doc! { "_id": { "$gt": after.to_string(), "$lt": end }, "members.0": { "$exists": true } };
        self.known(these, limit).await
    }

    async fn known(self, these: Document, limit: u32) -> Result<Vec<KnownRoom>, Fault> {
        let rooms = self.0.collection::<KnownRoom>(ROOMS);
        let rooms = rooms.find(these).projection(doc! { "version": 1, "members": 1 });
        let rooms = rooms.sort(doc! { "_id": 1 }).limit(i64::from(limit)).batch_size(limit);
        async { rooms.await?.try_collect().await }.await.map_err(store_fault)
    }

    /// The room of a kind with the highest id. Reads every name of the kind.
    pub async fn find_last(self, kind: RoomKind) -> Result<Option<RoomId>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            last: RoomId,
        }
        let [begin, end] = names_of(kind);
        let number = doc! { "$toInt": { "$arrayElemAt": [{ "$split": ["$_id", ":"] }, 1] } };
        let last = [
            doc! { "$match": { "_id": { "$gt": begin, "$lt": end } } },
            doc! { "$group": { "_id": null, "last": { "$max": number } } },
        ];
        let rooms = self.0.documents(ROOMS);
        let found = rooms.aggregate(last).with_type::<Row>();
        let rows: Vec<Row> = async { found.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().next().map(|row| row.last))
    }

    /// The newest `rev` of those of some rooms that a person is in.
    pub async fn list_revs(self, user: UserId, rooms: &[RoomKey]) -> Result<Vec<(RoomKey, Rev)>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            room: RoomKey,
            rev: Rev,
        }
        if rooms.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = rooms.iter().map(ToString::to_string).collect();
        let (collection, batch) = (self.0.collection::<Row>(ROOMS), one_batch(names.len()));
        let theirs = collection.find(doc! { "_id": { "$in": names }, "members": user.0 });
        let theirs = theirs.projection(doc! { "rev": 1 }).batch_size(batch);
        let rows: Vec<_> = async { theirs.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| (row.room, row.rev)).collect())
    }
}

/// Before and after the names of every room of a kind: a semicolon follows a colon.
pub(crate) fn names_of(kind: RoomKind) -> [String; 2] {
    [":", ";"].map(|end| format!("{}{end}", kind.as_str()))
}
