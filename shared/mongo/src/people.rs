use crate::{Mongo, fault::store_fault, schema::PEOPLE};
use domain::{Fault, Locale, Person, UserId};
use mongodb::bson::doc;
use serde::{Deserialize, Serialize};

/// A person's projection.
#[derive(Debug, Serialize, Deserialize)]
struct PersonDocument {
    #[serde(rename = "_id")]
    id: UserId,
    version: i64,
    username: String,
    locale: Locale,
    is_active: bool,
    friends: Vec<UserId>,
    blocked: Vec<UserId>,
}

impl From<PersonDocument> for Person {
    fn from(row: PersonDocument) -> Self {
        let PersonDocument { id, version, username, locale, is_active, friends, blocked } = row;
        Self { id, version, username, locale, is_active, friends, blocked }
    }
}

/// The repository of `people`: what the message path must know of a person.
#[derive(Debug, Clone, Copy)]
pub struct People<'a>(pub(crate) &'a Mongo);

impl People<'_> {
    /// Writes a person as of their version, and returns the version that is there: a newer one stays.
    ///
    /// Idempotent, and independent of the order of two versions.
    pub async fn project(self, person: &Person) -> Result<i64, Fault> {
        let ids = |users: &[UserId]| users.iter().map(|user| user.0).collect::<Vec<_>>();
        let whole = doc! { "$set": {
            "version": person.version,
            "username": &person.username,
            "locale": person.locale.as_str(),
            "is_active": person.is_active,
            "friends": ids(&person.friends),
            "blocked": ids(&person.blocked),
        } };
        self.0.project(PEOPLE, person.id.0, person.version, whole).await
    }

    /// Whether a person is known as one whose account is not active, as a majority knows it.
    pub async fn is_inactive(self, id: UserId) -> Result<bool, Fault> {
        let gone = doc! { "_id": id.0, "is_active": false };
        let found = self.0.documents(PEOPLE).find_one(gone).projection(doc! { "_id": 1 }).await.map_err(store_fault)?;
        Ok(found.is_some())
    }

    /// A person, as a majority knows them.
    pub async fn find(self, id: UserId) -> Result<Option<Person>, Fault> {
        let found = self.0.collection::<PersonDocument>(PEOPLE).find_one(doc! { "_id": id.0 }).await;
        Ok(found.map_err(store_fault)?.map(Person::from))
    }
}
