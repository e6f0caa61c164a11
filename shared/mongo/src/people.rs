use crate::{Mongo, fault::store_fault, one_batch, schema::PEOPLE};
use domain::{Fault, Locale, Person, Picture, PresenceVisibility, Privacy, UserId};
use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, doc};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A picture as it lies in the store.
pub(crate) fn document(picture: Option<&Picture>) -> Bson {
    picture.map_or(Bson::Null, |picture| doc! { "id": picture.id.to_string(), "thumbhash": &picture.thumbhash }.into())
}

/// A person's projection.
#[derive(Debug, Serialize, Deserialize)]
struct PersonDocument {
    #[serde(rename = "_id")]
    id: UserId,
    version: i64,
    username: String,
    /// This and the next two are absent in documents of earlier versions.
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    presence_visibility: PresenceVisibility,
    #[serde(default = "is_shown")]
    read_receipts: bool,
    locale: Locale,
    is_active: bool,
    friends: Vec<UserId>,
    blocked: Vec<UserId>,
    #[serde(default)]
    avatar: Option<Picture>,
}

fn is_shown() -> bool {
    Privacy::default().read_receipts
}

impl From<PersonDocument> for Person {
    fn from(row: PersonDocument) -> Self {
        let PersonDocument { id, version, username, display_name, locale, is_active, friends, blocked, .. } = row;
        let PersonDocument { presence_visibility, read_receipts, avatar, .. } = row;
        let privacy = Privacy { presence_visibility, read_receipts };
        Self { id, version, username, display_name, locale, privacy, is_active, friends, blocked, avatar }
    }
}

/// What a person is called, and how they stand to some others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NamedPerson {
    /// Who.
    #[serde(rename = "_id")]
    pub id: UserId,
    username: String,
    #[serde(default)]
    display_name: Option<String>,
    /// Whether the account is active.
    pub is_active: bool,
    /// Those of the others who are friends.
    pub friends: Vec<UserId>,
    /// Those of the others whom the person has blocked.
    pub blocked: Vec<UserId>,
}

impl NamedPerson {
    /// What others see of the name.
    pub fn name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.username)
    }
}

/// The repository of `people`: what the message path must know of a person.
#[derive(Debug, Clone, Copy)]
pub struct People<'a>(pub(crate) &'a Mongo);

impl People<'_> {
    /// Writes a person unless a newer version is stored, and returns the stored version.
    ///
    /// Idempotent, and independent of the order of two versions.
    pub async fn project(self, person: &Person) -> Result<i64, Fault> {
        let ids = |users: &[UserId]| users.iter().map(|user| user.0).collect::<Vec<_>>();
        let whole = doc! { "$set": {
            "version": person.version,
            "username": &person.username,
            "name_key": person.name_key(),
            "display_name": person.display_name.as_deref(),
            "presence_visibility": person.privacy.presence_visibility.as_str(),
            "read_receipts": person.privacy.read_receipts,
            "locale": person.locale.as_str(),
            "is_active": person.is_active,
            "friends": ids(&person.friends),
            "blocked": ids(&person.blocked),
            "avatar": document(person.avatar.as_ref()),
        } };
        self.0.project(PEOPLE, person.id.0, person.version, whole).await
    }

    /// Whether a person's account is known to be inactive, as a majority knows it.
    pub async fn is_inactive(self, id: UserId) -> Result<bool, Fault> {
        let gone = doc! { "_id": id.0, "is_active": false };
        let found = self.0.documents(PEOPLE).find_one(gone).projection(doc! { "_id": 1 }).await.map_err(store_fault)?;
        Ok(found.is_some())
    }

    /// The versions of those of some people who are known to a majority.
    pub async fn list_versions(self, ids: &[UserId]) -> Result<HashMap<UserId, i64>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            id: UserId,
            version: i64,
        }
        let these = doc! { "_id": { "$in": ids.iter().map(|id| id.0).collect::<Vec<_>>() } };
        let (people, batch) = (self.0.collection::<Row>(PEOPLE), one_batch(ids.len()));
        let people = people.find(these).projection(doc! { "version": 1 }).batch_size(batch);
        let rows: Vec<_> = async { people.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| (row.id, row.version)).collect())
    }

    /// The person with the highest id.
    pub async fn find_last(self) -> Result<Option<UserId>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            id: UserId,
        }
        let people = self.0.collection::<Row>(PEOPLE);
        let last = people.find_one(doc! {}).sort(doc! { "_id": -1 }).projection(doc! { "_id": 1 });
        Ok(last.await.map_err(store_fault)?.map(|row| row.id))
    }

    /// The people who have some usernames, each in the form in which they are compared, as a majority knows them.
    pub async fn list_by_names(self, names: &[&str]) -> Result<HashMap<String, UserId>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            id: UserId,
            name_key: String,
        }
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        let (people, batch) = (self.0.collection::<Row>(PEOPLE), one_batch(names.len()));
        let owners = people.find(doc! { "name_key": { "$in": names } }).projection(doc! { "name_key": 1 });
        let rows: Vec<_> = async { owners.batch_size(batch).await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| (row.name_key, row.id)).collect())
    }

    /// What some people are called, and which of others are their friends or are blocked by them, as a majority knows it.
    pub async fn list_named(self, ids: &[UserId], others: &[UserId]) -> Result<Vec<NamedPerson>, Fault> {
        let others: Vec<_> = others.iter().map(|id| id.0).collect();
        let among = |field: &str| doc! { "$setIntersection": [field, &others] };
        let fields = doc! {
            "username": 1, "display_name": 1, "is_active": 1, "friends": among("$friends"), "blocked": among("$blocked"),
        };
        let these = doc! { "_id": { "$in": ids.iter().map(|id| id.0).collect::<Vec<_>>() } };
        let (people, batch) = (self.0.collection::<NamedPerson>(PEOPLE), one_batch(ids.len()));
        let people = people.find(these).projection(fields).batch_size(batch);
        async { people.await?.try_collect().await }.await.map_err(store_fault)
    }

    /// A person, as a majority knows them.
    pub async fn find(self, id: UserId) -> Result<Option<Person>, Fault> {
        let found = self.0.collection::<PersonDocument>(PEOPLE).find_one(doc! { "_id": id.0 }).await;
        Ok(found.map_err(store_fault)?.map(Person::from))
    }
}
