//! What the store looks at to answer; a list that reads what it does not show grows slow where nobody looks.

mod groups;
mod messages;
mod notifications;
mod people;
mod presence;
mod rooms;
mod uploads;

use crate::scene::{ANNA, AT, BORA, EVE, ROOM, fill, group, open, private, scene};
use domain::{ConnectionId, Fault, Limit, Locale, Person, Seq, SessionId, UserId};
use mongo::Connection;
use mongodb::bson::{Bson, Document, doc};
use testkit::mongo::{Database, Profile, mark};

const LIMIT: Limit = Limit { burst: 1_000, per_minute: 1_000 };

/// Looks at what each command looked at.
struct Watch {
    profile: Profile,
    wrong: Vec<String>,
}

impl Watch {
    async fn over(database: &Database) -> Self {
        Self { profile: Profile::of(database).await, wrong: Vec::new() }
    }

    /// Does something that may look at so many documents, of whatever collections, in each of its commands.
    async fn watch<T>(&mut self, name: &str, most: i64, work: impl Future<Output = Result<T, Fault>>) -> T {
        let outcome = work.await.unwrap();
        for note in self.profile.fresh().await {
            let plan = note.get_str("planSummary").unwrap_or_default();
            let examined = number(&note, "docsExamined");
            let command = note.get_document("command").unwrap();
            if plan.contains("COLLSCAN") || examined > most || self.walks(command).await {
                self.wrong.push(format!("{name}: {plan}, {examined} documents for at most {most}: {command}"));
            }
        }
        outcome
    }

    /// Whether a `$lookup` walks its collection, of which the notes tell only the documents, and not always those.
    async fn walks(&self, command: &Document) -> bool {
        let (Some(of), Ok(pipeline)) = (command.get("aggregate"), command.get_array("pipeline")) else {
            return false;
        };
        let explain = doc! {
            "explain": { "aggregate": of.clone(), "pipeline": pipeline.clone(), "cursor": {} },
            "verbosity": "executionStats",
        };
        let told = self.profile.store().run_command(explain).await.unwrap();
        told.get_array("stages").is_ok_and(|stages| {
            let stages = stages.iter().filter_map(Bson::as_document);
            stages.map(|stage| number(stage, "collectionScans")).sum::<i64>() > 0
        })
    }
}

fn number(note: &Document, field: &str) -> i64 {
    note.get_i64(field).or_else(|_| note.get_i32(field).map(i64::from)).unwrap_or(0)
}

fn person(id: i32) -> Person {
    Person { version: 2, ..testkit::person(UserId(id), "minji") }
}

fn connection(n: i32) -> Connection {
    Connection {
        id: ConnectionId(n.to_string()),
        user: UserId(n),
        session: session(n),
        locale: Locale::Ko,
        connected_at: AT,
        active_until: AT,
        viewing: None,
    }
}

fn session(n: i32) -> SessionId {
    SessionId(n.to_string())
}

/// A busy room of Anna and Bora, quiet ones of Anna's, and more of everything that is none of theirs.
async fn town() -> Database {
    let database = scene().await;
    let mongo = &database.mongo;
    fill(&database, ROOM, BORA, 300).await;
    for id in 2..=20 {
        open(mongo, private(id), &[ANNA, BORA], AT).await;
        fill(&database, private(id), BORA, 10).await;
    }
    open(mongo, group(1), &[ANNA, BORA], AT).await;
    fill(&database, group(1), BORA, 50).await;
    for id in 100..200 {
        open(mongo, private(id), &[EVE, UserId(id)], AT).await;
        let username = format!("minji{id}");
        mongo.people().project(&Person { version: 1, username, ..person(id) }).await.unwrap();
        mongo.connections().insert(&connection(id)).await.unwrap();
        mongo.tickets().insert(&id.to_string(), UserId(id), &session(id), AT).await.unwrap();
        mongo.gates().end_sessions(UserId(id), &[session(id)], AT).await.unwrap();
        mongo.limits().spend(&id.to_string(), LIMIT).await.unwrap();
        mark(mongo, private(id), EVE, Seq(1)).await.unwrap();
    }
    database
}
