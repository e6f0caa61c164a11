#![doc = include_str!("../README.md")]

use announce::Announcer;
use background::Background;
use boot::{BoxError, warm_up};
use domain::Fault;
use mongo::Mongo;
use presence::Watcher;
use queue::{PresenceJob, Sqs};
use realtime::ManagementApi;
use std::sync::Arc;
use worker::Batch;

/// Reads the settings and connects.
pub async fn connect() -> Result<Watcher, BoxError> {
    let (mongo_url, connections_url, presence_queue, aws) = boot::read(|settings| {
        (settings.mongo_url(), settings.connections_url(), settings.presence_queue_url(), settings.aws())
    })
    .await?;
    let (mongo, clock) = (Mongo::connect(&mongo_url).await?, boot::clock());
    let pusher = Arc::new(ManagementApi::new(&connections_url, &aws));
    // Nobody waits for the answer of a batch.
    let announcer = Announcer::new(mongo.clone(), pusher, clock, Background::inline())
        .with_presence(Sqs::jobs(presence_queue.as_deref(), &aws));
    tokio::join!(warm_up("open connections to MongoDB", mongo.warm_up()), announcer.warm_up());
    Ok(Watcher { mongo, announcer, clock })
}

/// Does the jobs together; if that fails, all of them come again.
pub async fn handle(watcher: &Watcher, batch: Batch<PresenceJob>) -> Result<Vec<usize>, Fault> {
    watcher.work(&batch.jobs).await?;
    Ok(Vec::new())
}
