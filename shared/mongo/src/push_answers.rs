use crate::{Mongo, fault::store_fault, limits::from_now, schema::LIMITS, w1, write_once_more};
use domain::{
    Fault, Timestamp,
    notification::{Answers, Platform},
};
use mongodb::{
    Collection,
    bson::{Document, doc},
    options::ReturnDocument,
};
use serde::Deserialize;
use std::{collections::HashMap, time::Duration};

/// How long an hour is of use after its last answer: while it is the one before.
const KEPT_FOR: Duration = Duration::from_hours(3);

/// How push services have answered all environments: one document an hour, beside the limits.
#[derive(Debug, Clone, Copy)]
pub struct PushAnswers<'a>(pub(crate) &'a Mongo);

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    services: HashMap<Platform, AnswersRow>,
}

#[derive(Deserialize)]
struct AnswersRow {
    all: i64,
    unknown: i64,
}

impl PushAnswers<'_> {
    /// Adds answers to the hour of a moment, and returns all that were given in it.
    ///
    /// `w: 1`: what a failover loses changes a share by the answers of a few batches.
    pub async fn add(
        self,
        at: Timestamp,
        more: &HashMap<Platform, Answers>,
    ) -> Result<HashMap<Platform, Answers>, Fault> {
        let mut sums = Document::new();
        for (service, Answers { all, unknown }) in more {
            for (name, more) in [("all", *all), ("unknown", *unknown)] {
                let field = format!("services.{}.{name}", service.as_str());
                let sum = doc! { "$add": [{ "$ifNull": [format!("${field}"), 0_i64] }, more] };
                sums.insert(field, sum);
            }
        }
        sums.insert("expires_at", from_now(KEPT_FOR));
        let change = vec![doc! { "$set": sums }];
        let hours = self.collection();
        let write = || async {
            let write = hours.find_one_and_update(doc! { "_id": hour(at) }, change.clone()).upsert(true);
            write.return_document(ReturnDocument::After).write_concern(w1()).await
        };
        Ok(answers(write_once_more(write).await.map_err(store_fault)?))
    }

    /// The answers that were given in the hour of a moment.
    pub async fn find(self, at: Timestamp) -> Result<HashMap<Platform, Answers>, Fault> {
        Ok(answers(self.collection().find_one(doc! { "_id": hour(at) }).await.map_err(store_fault)?))
    }

    fn collection(self) -> Collection<Row> {
        self.0.collection(LIMITS)
    }
}

fn hour(at: Timestamp) -> String {
    format!("push:{}", at.seconds() / 3_600)
}

fn answers(row: Option<Row>) -> HashMap<Platform, Answers> {
    let services = row.map(|row| row.services).unwrap_or_default();
    services.into_iter().map(|(service, AnswersRow { all, unknown })| (service, Answers { all, unknown })).collect()
}
