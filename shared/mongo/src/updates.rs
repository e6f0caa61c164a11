use crate::{Mongo, W_TIMEOUT, fault::by_code, fault::store_fault, write_once_more};
use domain::Fault;
use mongodb::bson::{Document, deserialize_from_document, doc};
use serde::Deserialize;

/// The outcome of many updates.
#[derive(Debug)]
pub(crate) struct Updated {
    /// How many documents were as their update asked for.
    pub(crate) matched: usize,
    /// Why the server refused one of them, if it did.
    pub(crate) refused: Option<Fault>,
}

#[derive(Deserialize)]
struct Reply {
    n: usize,
    #[serde(rename = "writeErrors", default)]
    errors: Vec<WriteError>,
    #[serde(rename = "writeConcernError")]
    concern: Option<Document>,
}

#[derive(Deserialize)]
struct WriteError {
    code: i32,
}

impl Mongo {
    /// Runs updates of one collection, which may happen twice, in one command: the driver's own for many needs a newer server. One
    /// that is refused stops none of the others. An error leaves it unknown which of them were written.
    pub(crate) async fn update_each(&self, collection: &str, updates: Vec<Document>) -> Result<Updated, Fault> {
        let wait = i64::try_from(W_TIMEOUT.as_millis()).map_err(Fault::internal)?;
        let command = doc! {
            "update": collection, "updates": updates, "ordered": false,
            "writeConcern": { "w": "majority", "j": true, "wtimeout": wait },
        };
        let reply = write_once_more(|| async { self.database.run_command(command.clone()).await });
        let reply = reply.await.map_err(store_fault)?;
        let Reply { n, errors, concern } = deserialize_from_document(reply).map_err(Fault::internal)?;
        if concern.is_some() {
            return Err(Fault::unavailable("no majority has what was written"));
        }
        let refused = errors.first().map(|error| by_code("write", error.code, "", ""));
        Ok(Updated { matched: n, refused })
    }
}
