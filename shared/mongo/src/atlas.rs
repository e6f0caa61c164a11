//! Looking for messages by a search index of MongoDB Atlas, which knows the forms of Korean words. It follows the messages a moment
//! later, so each hit is looked at as it is now. The grams are filtered by as well: what they find, this finds too.

use crate::{
    Messages, Span, Stored,
    fault::{is_search_missing, store_fault},
    messages::{MessageDocument, message_fields},
    schema::MESSAGES,
};
use domain::{Fault, RoomKey, RoomKind, message_search::Gram};
use futures_util::TryStreamExt as _;
use mongodb::bson::{DateTime, Document, doc};
use serde::Deserialize;

/// A search by an index of Atlas.
#[derive(Debug, Clone, Copy)]
pub struct AtlasSearch<'a> {
    /// The name of the index.
    pub index: &'a str,
    /// Where.
    pub rooms: &'a [RoomKey],
    /// When the messages were sent.
    pub span: Span,
    /// What the messages must have beside the words.
    pub marks: &'a [Gram],
    /// The words, and their grams.
    pub words: Option<(&'a str, &'a [Gram])>,
    /// Behind which hit the page begins.
    pub after: Option<&'a str>,
}

/// A message that an index of Atlas found.
#[derive(Debug)]
pub struct AtlasHit {
    /// The message as it is now.
    pub row: Stored,
    /// Where a page behind it begins.
    pub token: String,
    /// Parts of its text, each as pieces of which some are what was found.
    pub passages: Vec<Vec<(String, bool)>>,
}

#[derive(Deserialize)]
struct HitRow {
    token: String,
    #[serde(default)]
    passages: Vec<PassageRow>,
    message: MessageDocument,
}

#[derive(Deserialize)]
struct PassageRow {
    texts: Vec<PieceRow>,
}

#[derive(Deserialize)]
struct PieceRow {
    value: String,
    r#type: String,
}

impl Messages<'_> {
    /// Whether the server has a search index that can be asked. A server without Atlas Search has none; a fault says nothing of it.
    pub async fn has_search_index(self, index: &str) -> Result<bool, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(default)]
            queryable: bool,
        }
        let listing = [doc! { "$listSearchIndexes": { "name": index } }];
        let messages = self.mongo.documents(MESSAGES);
        let rows: Result<Vec<Row>, _> =
            async { messages.aggregate(listing).with_type::<Row>().await?.try_collect().await }.await;
        match rows {
            Ok(rows) => Ok(rows.iter().any(|row| row.queryable)),
            Err(error) if is_search_missing(&error) => Ok(false),
            Err(error) => Err(store_fault(error)),
        }
    }

    /// The newest messages that an index of Atlas finds, as they are now: some may be deleted, or hidden from the viewer.
    pub async fn search_atlas(self, search: &AtlasSearch<'_>, limit: i64) -> Result<Vec<AtlasHit>, Fault> {
        let mut fields = message_fields(self.viewer);
        fields.extend(doc! { "hidden_for": 1, "token": { "$meta": "searchSequenceToken" } });
        if search.words.is_some() {
            fields.insert("passages", doc! { "$meta": "searchHighlights" });
        }
        let pipeline = [
            doc! { "$search": search.stage() },
            doc! { "$limit": limit },
            doc! { "$project": fields },
            doc! { "$project": { "token": 1, "passages": 1, "message": "$$ROOT" } },
        ];
        let messages = self.mongo.documents(MESSAGES);
        let batch = u32::try_from(limit).unwrap_or(u32::MAX);
        let found = messages.aggregate(pipeline).batch_size(batch).with_type::<HitRow>();
        let rows: Vec<HitRow> = async { found.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(AtlasHit::from).collect())
    }
}

impl AtlasSearch<'_> {
    fn stage(&self) -> Document {
        let mut filter = vec![self.in_rooms()];
        filter.extend(self.sent());
        filter.extend(self.marks.iter().copied().map(having));
        let mut compound = doc! { "filter": filter };
        if let Some((text, grams)) = self.words {
            let forms = doc! { "text": { "query": text, "path": "content", "matchCriteria": "all" } };
            let mut ways = vec![forms];
            if !grams.is_empty() {
                let grams: Vec<_> = grams.iter().copied().map(having).collect();
                ways.push(doc! { "compound": { "filter": grams } });
            }
            compound.extend(doc! { "should": ways, "minimumShouldMatch": 1 });
        }
        let mut stage = doc! { "index": self.index, "compound": compound, "sort": { "created_at": -1, "_id": -1 } };
        if self.words.is_some() {
            stage.insert("highlight", doc! { "path": "content" });
        }
        if let Some(after) = self.after {
            stage.insert("searchAfter", after);
        }
        stage
    }

    fn in_rooms(&self) -> Document {
        let of_kind = |kind: RoomKind| {
            let ids: Vec<i64> =
                self.rooms.iter().filter(|room| room.kind == kind).map(|room| i64::from(room.id.0)).collect();
            let kind = doc! { "equals": { "path": "room_type", "value": kind.as_str() } };
            let these = doc! { "in": { "path": "room_id", "value": ids.clone() } };
            (!ids.is_empty()).then(|| doc! { "compound": { "filter": [kind, these] } })
        };
        let kinds: Vec<_> = [RoomKind::Private, RoomKind::Group].into_iter().filter_map(of_kind).collect();
        doc! { "compound": { "should": kinds, "minimumShouldMatch": 1 } }
    }

    fn sent(&self) -> Option<Document> {
        let mut range = Document::new();
        if let Some(since) = self.span.since {
            range.insert("gte", DateTime::from_millis(since.millis()));
        }
        if let Some(before) = self.span.before {
            range.insert("lt", DateTime::from_millis(before.millis()));
        }
        if range.is_empty() {
            return None;
        }
        range.insert("path", "created_at");
        Some(doc! { "range": range })
    }
}

fn having(gram: Gram) -> Document {
    doc! { "equals": { "path": "g", "value": i64::from(gram.0) } }
}

impl From<HitRow> for AtlasHit {
    fn from(HitRow { token, passages, message }: HitRow) -> Self {
        let pieces =
            |passage: PassageRow| passage.texts.into_iter().map(|piece| (piece.value, piece.r#type == "hit")).collect();
        Self { row: Stored::from(message), token, passages: passages.into_iter().map(pieces).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{RoomId, Timestamp};

    const GRAM: Gram = Gram(7);

    fn search<'a>(rooms: &'a [RoomKey], words: Option<(&'a str, &'a [Gram])>) -> AtlasSearch<'a> {
        AtlasSearch { index: "i", rooms, span: Span::default(), marks: &[], words, after: None }
    }

    #[test]
    fn words_are_found_by_their_forms_or_their_grams() {
        let rooms = [RoomKey::private(RoomId(1)), RoomKey::group(RoomId(1)), RoomKey::private(RoomId(2))];
        let stage = search(&rooms, Some(("먹다", &[GRAM]))).stage();

        let of = |kind: &str, ids: &[i64]| {
            let kind = doc! { "equals": { "path": "room_type", "value": kind } };
            doc! { "compound": { "filter": [kind, { "in": { "path": "room_id", "value": ids.to_vec() } }] } }
        };
        let rooms =
            doc! { "compound": { "should": [of("private", &[1, 2]), of("group", &[1])], "minimumShouldMatch": 1 } };
        let grams = doc! { "compound": { "filter": [{ "equals": { "path": "g", "value": 7_i64 } }] } };
        let forms = doc! { "text": { "query": "먹다", "path": "content", "matchCriteria": "all" } };
        let compound = doc! { "filter": [rooms], "should": [forms, grams], "minimumShouldMatch": 1 };
        let expected = doc! {
            "index": "i", "compound": compound, "sort": { "created_at": -1, "_id": -1 }, "highlight": { "path": "content" },
        };
        assert_eq!(stage, expected);
    }

    #[test]
    fn filters_need_no_words() {
        let rooms = [RoomKey::private(RoomId(1))];
        let span = Span { since: Some(Timestamp::from_millis(5)), before: None };
        let filtered = AtlasSearch { span, marks: &[GRAM], after: Some("t"), ..search(&rooms, None) };

        let stage = filtered.stage();

        let filter = stage.get_document("compound").unwrap().get_array("filter").unwrap();
        let range = doc! { "range": { "gte": DateTime::from_millis(5), "path": "created_at" } };
        let mark = doc! { "equals": { "path": "g", "value": 7_i64 } };
        assert_eq!(filter[1..], [range.into(), mark.into()]);
        assert_eq!((stage.get_str("searchAfter").ok(), stage.contains_key("highlight")), (Some("t"), false));
    }
}
