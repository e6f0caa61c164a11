use crate::{
    Mongo,
    fault::{is_duplicate_key, store_fault},
    schema::PROVIDER_TOKENS,
};
use domain::{Fault, ProviderToken, Timestamp};
use mongodb::{
    Collection,
    bson::{DateTime, doc},
    options::ReturnDocument,
};
use serde::{Deserialize, Serialize};

/// The repository of `provider_tokens`: what push services take for a while, so that new environments need not ask for others.
#[derive(Debug, Clone, Copy)]
pub struct ProviderTokens<'a>(pub(crate) &'a Mongo);

#[derive(Debug, Serialize, Deserialize)]
struct Row {
    #[serde(rename = "_id")]
    id: String,
    token: String,
    issued_at: DateTime,
}

impl ProviderTokens<'_> {
    /// The token of a service, whatever its age.
    pub async fn find(self, id: &str) -> Result<Option<ProviderToken>, Fault> {
        let row = self.collection().find_one(doc! { "_id": id }).await.map_err(store_fault)?;
        Ok(row.map(ProviderToken::from))
    }

    /// Keeps a token in the place of one that was issued at `known`, and answers which is there then: of many who bring one at
    /// once, each is told the first one's.
    pub async fn replace(
        self,
        id: &str,
        token: &ProviderToken,
        known: Option<Timestamp>,
    ) -> Result<ProviderToken, Fault> {
        // If the caller knew no token, any stored one is newer.
        let known = known.map_or(DateTime::MIN, date);
        let older = doc! { "_id": id, "issued_at": { "$lte": known } };
        let change = doc! { "$set": { "token": &token.token, "issued_at": date(token.issued_at) } };
        let tokens = self.collection();
        let replacing = tokens.find_one_and_update(older, change).upsert(true).return_document(ReturnDocument::After);
        match replacing.await {
            Ok(row) => Ok(row.map_or_else(|| token.clone(), ProviderToken::from)),
            // The upsert collides with that of a faster request.
            Err(error) if is_duplicate_key(&error) => Ok(self.find(id).await?.unwrap_or_else(|| token.clone())),
            Err(error) => Err(store_fault(error)),
        }
    }

    fn collection(self) -> Collection<Row> {
        self.0.collection(PROVIDER_TOKENS)
    }
}

impl From<Row> for ProviderToken {
    fn from(row: Row) -> Self {
        Self { token: row.token, issued_at: Timestamp::from_millis(row.issued_at.timestamp_millis()) }
    }
}

fn date(moment: Timestamp) -> DateTime {
    DateTime::from_millis(moment.millis())
}
