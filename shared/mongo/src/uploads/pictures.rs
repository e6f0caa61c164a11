//! Pictures of people and groups: claimed by whoever sets one, and theirs once MySQL names it. What died in between is found by its
//! due time: the projection says which picture is shown.

use super::{
    Due, Uploads, Usages,
    document::{OPEN, attached},
};
use crate::{
    fault::store_fault,
    messages::date,
    one_batch,
    schema::{PEOPLE, ROOMS},
};
use domain::{Fault, Picture, Purpose, RoomId, RoomKey, Timestamp, Upload, UploadId, UploadState, UserId};
use futures_util::{TryStreamExt as _, future::try_join};
use mongodb::{
    bson::{Bson, Document, doc, oid::ObjectId},
    options::ReturnDocument,
};
use serde::Deserialize;
use std::time::Duration;

/// How long the request that claims a picture may take to show it, and how soon after it somebody looks whether it does.
const SETTLED_AFTER: Duration = Duration::from_mins(10);

/// How often a picture is looked at that is shown: whoever replaced it may have died before it was deleted.
const LOOKED_AT_EVERY: Duration = Duration::from_hours(7 * 24);

/// Who shows a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureOf {
    /// A person.
    Person(UserId),
    /// A group.
    Group(RoomId),
}

/// What became of the wish to show a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimedPicture {
    /// It may be shown.
    Done(Picture),
    /// It was not inspected yet.
    NotReady,
    /// Something has it, or is about to take it.
    Taken,
    /// It was uploaded for something else, or refused.
    Unsupported,
    /// The person has no such upload.
    NotFound,
}

impl PictureOf {
    fn holder(self) -> String {
        match self {
            Self::Person(user) => format!("user:{user}"),
            Self::Group(room) => RoomKey::group(room).to_string(),
        }
    }

    const fn purpose(self) -> Purpose {
        match self {
            Self::Person(_) => Purpose::Avatar,
            Self::Group(_) => Purpose::GroupPicture,
        }
    }

    const fn person(self) -> Option<UserId> {
        match self {
            Self::Person(user) => Some(user),
            Self::Group(_) => None,
        }
    }

    const fn room(self) -> Option<RoomKey> {
        match self {
            Self::Person(_) => None,
            Self::Group(room) => Some(RoomKey::group(room)),
        }
    }
}

impl Uploads<'_> {
    /// Claims an upload of a person's as a picture to show. Requests that show it at the same place share the claim.
    pub async fn claim_picture(
        self,
        of: PictureOf,
        owner: UserId,
        id: UploadId,
        now: Timestamp,
    ) -> Result<ClaimedPicture, Fault> {
        let (holder, purpose) = (of.holder(), of.purpose());
        let free = doc! {
            "_id": id.to_string(), "owner": owner.0, "purpose": purpose.as_str(), "state": UploadState::Ready.as_str(),
            "$or": [{ "claim": { "$exists": false } }, { "claim.key": &holder }],
        };
        let claim = doc! { "key": holder, "op": ObjectId::new(), "at": date(now) };
        let take = doc! { "$set": { "claim": claim, "due_at": date(now.plus(SETTLED_AFTER)) } };
        let taken = self.collection().find_one_and_update(free, take).return_document(ReturnDocument::After).await;
        if let Some(row) = taken.map_err(store_fault)? {
            let thumbhash = Upload::from(row).media.and_then(|media| media.thumbhash);
            let picture = |thumbhash| ClaimedPicture::Done(Picture { id, thumbhash });
            return Ok(thumbhash.map_or(ClaimedPicture::Unsupported, picture));
        }
        let Some(found) = self.find_own(owner, id).await? else { return Ok(ClaimedPicture::NotFound) };
        Ok(match found.state {
            _ if found.purpose != purpose => ClaimedPicture::Unsupported,
            UploadState::Pending | UploadState::Uploaded => ClaimedPicture::NotReady,
            UploadState::Ready | UploadState::Attached => ClaimedPicture::Taken,
            UploadState::Rejected => ClaimedPicture::Unsupported,
            UploadState::Deleting => ClaimedPicture::NotFound,
        })
    }

    /// Notes that a claimed picture is shown.
    pub async fn keep_picture(self, of: PictureOf, id: UploadId, now: Timestamp) -> Result<(), Fault> {
        let claimed = doc! { "_id": id.to_string(), "state": UploadState::Ready.as_str(), "claim.key": of.holder() };
        self.keep(claimed, &of.holder(), now.plus(SETTLED_AFTER), now).await.map(drop)
    }

    /// Deletes a picture that is shown no more.
    pub async fn end_picture(self, of: PictureOf, id: UploadId, now: Timestamp) -> Result<(), Fault> {
        let (holder, ready) = (of.holder(), UploadState::Ready.as_str());
        let theirs = doc! {
            "_id": id.to_string(),
            "$or": [{ "holder": &holder }, { "state": ready, "claim.key": &holder }],
        };
        self.end_one(theirs, now).await.map(drop)
    }

    /// Takes a picture that is due a step on, as it is shown or not; `false` if it has changed.
    pub async fn settle_picture(self, due: &Due, now: Timestamp) -> Result<bool, Fault> {
        let shown_by = self.find_shown(&due.upload, due.place.as_deref()).await?;
        match (shown_by, due.upload.state) {
            (Some(holder), UploadState::Ready | UploadState::Attached) => {
                self.keep(due.unchanged(), &holder, now.plus(LOOKED_AT_EVERY), now).await
            }
            (None, UploadState::Ready) if due.is_claimed => self.unclaim(due).await,
            _ => self.end_one(due.unchanged(), now).await,
        }
    }

    /// Makes a picture the holder's, to be looked at again.
    async fn keep(self, filter: Document, holder: &str, due_at: Timestamp, now: Timestamp) -> Result<bool, Fault> {
        let mut change = attached(holder, now);
        change.insert("$unset", doc! { "claim": "", "lease": "" });
        if let Ok(set) = change.get_document_mut("$set") {
            set.insert("due_at", date(due_at));
        }
        let before = self.collection().find_one_and_update(filter, change).await.map_err(store_fault)?;
        let Some(before) = before.map(Upload::from) else { return Ok(false) };
        if OPEN.contains(&before.state) {
            Usages(self.0).close(before.owner, 1).await?;
        }
        Ok(true)
    }

    /// Who shows an upload, as a majority knows it.
    async fn find_shown(self, upload: &Upload, place: Option<&str>) -> Result<Option<String>, Fault> {
        let (name, id, field) = match upload.purpose {
            Purpose::Avatar => (PEOPLE, Bson::from(upload.owner.0), "avatar.id"),
            Purpose::GroupPicture => (ROOMS, Bson::from(place.unwrap_or_default()), "picture.id"),
            Purpose::Message => return Ok(None),
        };
        let (documents, shown) = (self.0.documents(name), doc! { "_id": id, field: upload.id.to_string() });
        let found = documents.find_one(shown).projection(doc! { "_id": 1 }).await.map_err(store_fault)?;
        let holder = match upload.purpose {
            Purpose::Avatar => PictureOf::Person(upload.owner).holder(),
            Purpose::GroupPicture | Purpose::Message => place.unwrap_or_default().to_owned(),
        };
        Ok(found.map(|_| holder))
    }

    /// Those of some pictures that a person may see: of people who have not blocked them, and of groups that they are in or that
    /// anybody may join.
    pub async fn list_visible_pictures(
        self,
        viewer: UserId,
        pictures: &[(PictureOf, UploadId)],
    ) -> Result<Vec<(PictureOf, UploadId)>, Fault> {
        #[derive(Deserialize)]
        struct PersonRow {
            #[serde(rename = "_id")]
            id: UserId,
            avatar: PictureRow,
        }
        #[derive(Deserialize)]
        struct RoomRow {
            #[serde(rename = "_id")]
            room: RoomKey,
            picture: PictureRow,
        }
        #[derive(Deserialize)]
        struct PictureRow {
            id: UploadId,
        }
        let ids = |purpose| {
            let these = pictures.iter().filter(move |(of, _)| of.purpose() == purpose);
            these.map(|(_, id)| id.to_string()).collect::<Vec<_>>()
        };
        let people: Vec<i32> = pictures.iter().filter_map(|(of, _)| of.person()).map(|user| user.0).collect();
        let rooms: Vec<String> = pictures.iter().filter_map(|(of, _)| of.room()).map(|room| room.to_string()).collect();
        let of_people = async {
            if people.is_empty() {
                return Ok(Vec::new());
            }
            let visible = doc! {
                "_id": { "$in": &people }, "is_active": true, "blocked": { "$ne": viewer.0 },
                "avatar.id": { "$in": ids(Purpose::Avatar) },
            };
            let rows = self.0.collection::<PersonRow>(PEOPLE);
            let rows = rows.find(visible).projection(doc! { "avatar.id": 1 }).batch_size(one_batch(people.len()));
            rows.await?.try_collect::<Vec<_>>().await
        };
        let of_rooms = async {
            if rooms.is_empty() {
                return Ok(Vec::new());
            }
            let visible = doc! {
                "_id": { "$in": &rooms }, "$or": [{ "members": viewer.0 }, { "public": true }],
                "picture.id": { "$in": ids(Purpose::GroupPicture) },
            };
            let found = self.0.collection::<RoomRow>(ROOMS);
            let found = found.find(visible).projection(doc! { "picture.id": 1 }).batch_size(one_batch(rooms.len()));
            found.await?.try_collect::<Vec<_>>().await
        };
        let (people, rooms) = try_join(of_people, of_rooms).await.map_err(store_fault)?;
        let people = people.into_iter().map(|row| (PictureOf::Person(row.id), row.avatar.id));
        let rooms = rooms.into_iter().map(|row| (PictureOf::Group(row.room.id), row.picture.id));
        Ok(people.chain(rooms).collect())
    }
}
