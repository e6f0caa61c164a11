//! The Lambda `migrate`.

use announce::Announcer;
use background::Background;
use boot::BoxError;
use domain::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use migrate::{Answer, App, Invocation};
use mongo::Mongo;
use mysql::Mysql;
use projection::Projector;
use realtime::ManagementApi;
use std::{sync::Arc, time::Duration};

/// What is left of the function's time when a rebuild ends: one batch and the answer.
const MARGIN: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let (mysql_url, mongo_url, connections_url, aws, token_lifetime) = boot::read(|settings| {
        let (mysql_url, mongo_url) = (settings.mysql_url(), settings.mongo_url());
        (mysql_url, mongo_url, settings.connections_url(), settings.aws(), settings.token_lifetime())
    })
    .await?;
    let (mongo, clock) = (Mongo::connect(&mongo_url).await?, boot::clock());
    let pusher = Arc::new(ManagementApi::new(&connections_url, &aws));
    let app = App(Projector {
        mysql: Mysql::connect(&mysql_url, Mysql::LAMBDA_CONNECTIONS)?,
        // Nobody waits for the answer of a rebuild.
        announcer: Announcer::new(mongo.clone(), pusher, clock, Background::inline()),
        mongo,
        clock,
        token_lifetime,
    });
    lambda_runtime::run(service_fn(|event| run(&app, event))).await
}

async fn run(app: &App, event: LambdaEvent<Option<Invocation>>) -> Result<Answer, BoxError> {
    let deadline = i64::try_from(event.context.deadline).map_or(i64::MAX, |millis| millis);
    let until = Timestamp::from_millis(deadline).minus(MARGIN);
    Ok(app.run(event.payload, until).await.inspect_err(|error| tracing::error!("Failed to migrate {error}"))?)
}
