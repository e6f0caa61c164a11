//! The messages in MongoDB, as the product writes them but many at once.

use std::{
    hint::black_box,
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use domain::{MessageType, UserId, message_search::grams};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use mongodb::{
    Client, Collection, Database, IndexModel,
    bson::{Binary, Bson, DateTime, Document, doc, oid::ObjectId, spec::BinarySubtype},
    options::{Acknowledgment, ClientOptions, WriteConcern},
};
use stack::Step;

use super::{
    super::figures::count,
    corpus::{Corpus, Said},
};

const INDEX: &str = "messages_grams_idx";
/// Messages of one command.
const BATCH: usize = 1_000;
/// Commands at the same time.
const AT_ONCE: usize = 4;
/// Where the numbers of the messages begin in each room, behind those of system messages.
const FIRST_SEQ: i64 = 100;
/// Milliseconds from one message to the next: a million of them are a year.
const PAUSE: i64 = 30_000;
/// How many messages are weighed.
const WEIGHED: usize = 10_000;

/// The database of a stack.
pub(super) struct Store {
    database: Database,
}

/// What the messages weigh, in bytes each.
pub(super) struct Weights {
    pub(super) document: f64,
    pub(super) document_without_grams: f64,
    pub(super) grams: f64,
    /// How long it takes to compute the grams of one.
    pub(super) computed: Duration,
    pub(super) index: f64,
    /// How long the index took to be built; `None` if it grew with the messages.
    pub(super) build: Option<Duration>,
}

impl Store {
    pub(super) async fn connect(url: &str) -> Result<Self> {
        let mut options = ClientOptions::parse(url).await?;
        options.write_concern = Some(WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build());
        let database = Client::with_options(options)?.default_database().context("the URL names a database")?;
        Ok(Self { database })
    }

    /// Writes all messages to these rooms.
    ///
    /// Unless it is to grow, the index of grams is built when they are there, as `migrate` builds it for messages from before.
    pub(super) async fn fill(&self, corpus: &Corpus, rooms: &[i64], grows: bool, step: &Step) -> Result<Weights> {
        let messages = self.messages();
        let index = self.index().await?;
        if !grows {
            messages.drop_index(INDEX).await?;
        }
        let (mut seqs, mut order) = (vec![FIRST_SEQ; rooms.len()], Vec::with_capacity(corpus.messages.len()));
        for (at, said) in corpus.messages.iter().enumerate() {
            order.push((said.room, at, seqs[said.room]));
            seqs[said.room] += 1;
        }
        if !grows {
            // Room by room, so that all indexes grow at one end each.
            order.sort_unstable_by_key(|(room, at, _)| (*room, *at));
        }
        let now = DateTime::now();
        let row = |(room, at, seq): &(usize, usize, i64)| {
            let later = i64::try_from(corpus.messages.len() - at).unwrap_or(i64::MAX);
            let sent = now.saturating_add_millis(later.saturating_mul(-PAUSE));
            row(id_of(*at), rooms[*room], *seq, &corpus.messages[*at], sent)
        };
        let mut weights = weigh(order.iter().step_by(order.len().div_ceil(WEIGHED).max(1)).map(row))?;
        weights.computed = compute_grams(&corpus.messages[..corpus.messages.len().min(WEIGHED)]);
        let written = AtomicI64::new(0);
        let insert = async |batch: &[(usize, usize, i64)]| {
            let rows: Vec<Document> = batch.iter().map(row).collect();
            let one_node = WriteConcern::builder().w(Acknowledgment::Nodes(1)).build();
            messages.insert_many(rows).ordered(false).write_concern(one_node).await?;
            let written = written.fetch_add(i64::try_from(batch.len())?, Ordering::Relaxed);
            step.at(&format!("{written} of {} messages", order.len()));
            Ok::<_, anyhow::Error>(())
        };
        stream::iter(order.chunks(BATCH)).map(insert).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        for (room, seq) in rooms.iter().zip(seqs) {
            let head = doc! { "$set": { "seq": seq, "rev": seq } };
            self.rooms().update_one(doc! { "_id": format!("group:{room}") }, head).await?;
        }
        if !grows {
            step.at("the index of grams");
            let begun = Instant::now();
            messages.create_index(index).await?;
            weights.build = Some(begun.elapsed());
        }
        weights.index = self.index_size().await? / count(order.len());
        Ok(weights)
    }

    /// Makes the index of grams or drops it, if it is not so already.
    pub(super) async fn set_index(&self, index: &IndexModel, is_there: bool) -> Result<()> {
        match (self.find_index().await?.is_some(), is_there) {
            (false, true) => self.messages().create_index(index.clone()).await.map(drop)?,
            (true, false) => self.messages().drop_index(INDEX).await?,
            (true, true) | (false, false) => {}
        }
        Ok(())
    }

    fn messages(&self) -> Collection<Document> {
        self.database.collection("messages")
    }

    fn rooms(&self) -> Collection<Document> {
        self.database.collection("rooms")
    }

    /// The index of grams.
    pub(super) async fn index(&self) -> Result<IndexModel> {
        self.find_index().await?.with_context(|| format!("there is no index {INDEX}"))
    }

    async fn find_index(&self) -> Result<Option<IndexModel>> {
        let indexes: Vec<IndexModel> = self.messages().list_indexes().await?.try_collect().await?;
        let is_it =
            |index: &IndexModel| index.options.as_ref().and_then(|options| options.name.as_deref()) == Some(INDEX);
        Ok(indexes.into_iter().find(is_it))
    }

    /// The bytes of the index of grams in its file.
    async fn index_size(&self) -> Result<f64> {
        // A size counts what a checkpoint has written.
        self.database.client().database("admin").run_command(doc! { "fsync": 1 }).await?;
        let stats = self.database.run_command(doc! { "collStats": "messages" }).await?;
        match stats.get_document("indexSizes")?.get(INDEX) {
            Some(Bson::Int32(bytes)) => Ok(f64::from(*bytes)),
            Some(Bson::Int64(bytes)) => Ok(count(usize::try_from(*bytes)?)),
            other => anyhow::bail!("the size of {INDEX} is {other:?}"),
        }
    }
}

/// The id of a message by its place in the corpus.
fn id_of(at: usize) -> ObjectId {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&(at as u64).to_be_bytes());
    ObjectId::from_bytes(bytes)
}

/// The place in the corpus of a message by its id.
pub(super) fn place_of(id: &str) -> Option<usize> {
    usize::from_str_radix(id.get(8..)?, 16).ok()
}

/// A message as the product leaves it when it is delivered.
fn row(id: ObjectId, room: i64, seq: i64, said: &Said, at: DateTime) -> Document {
    doc! {
        "_id": id,
        "user_id": said.author,
        "room_id": i32::try_from(room).unwrap_or_default(),
        "room_type": "group",
        "content": &*said.text,
        "message_type": "text",
        "reply_to": null,
        "is_edited": false,
        "edited_at": null,
        "created_at": at,
        "updated_at": at,
        "seq": seq,
        "rev": seq,
        "client_id": id.to_hex(),
        "fingerprint": Binary { subtype: BinarySubtype::Generic, bytes: vec![0; 32] },
        "deleted_at": null,
        "g": grams_of(said),
    }
}

fn grams_of(said: &Said) -> Vec<i32> {
    grams(UserId(said.author), &said.text, MessageType::Text, &[]).into_iter().map(|gram| gram.0).collect()
}

/// How long the grams of one message take, on average.
fn compute_grams(messages: &[Said]) -> Duration {
    let begun = Instant::now();
    for said in messages {
        black_box(grams_of(said));
    }
    begun.elapsed() / u32::try_from(messages.len()).unwrap_or(u32::MAX).max(1)
}

fn weigh(rows: impl Iterator<Item = Document>) -> Result<Weights> {
    let (mut number, mut whole, mut without, mut grams) = (0, 0, 0, 0);
    for mut row in rows {
        whole += row.to_vec()?.len();
        grams += row.get_array("g")?.len();
        row.remove("g");
        without += row.to_vec()?.len();
        number += 1;
    }
    let each = |sum| count(sum) / count(number);
    Ok(Weights {
        document: each(whole),
        document_without_grams: each(without),
        grams: each(grams),
        computed: Duration::ZERO,
        index: 0.0,
        build: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_known_by_its_id() {
        for at in [0, 1, 1_199_999] {
            assert_eq!(place_of(&id_of(at).to_hex()), Some(at));
        }
        assert_eq!(place_of("no id"), None);
    }

    #[test]
    fn a_document_is_weighed_with_and_without_grams() {
        let said = Said { room: 0, author: 7, text: "서버 배포".into() };
        let weights = weigh([row(id_of(1), 3, 100, &said, DateTime::now())].into_iter()).expect("a document");
        assert!((weights.grams - 4.0).abs() < f64::EPSILON, "three of the text and one of the author");
        assert!(weights.document > weights.document_without_grams + 4.0 * 4.0);
    }
}
