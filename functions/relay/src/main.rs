//! The Lambda `relay`.

use announce::Announcer;
use background::Background;
use boot::{BoxError, Cost, EndWhenStale};
use lambda_runtime::{LambdaEvent, Runtime, layers::TracingLayer, service_fn};
use mongo::Mongo;
use mysql::Mysql;
use projection::Projector;
use queue::Sqs;
use realtime::ManagementApi;
use relay::Backlog;
use serde::de::IgnoredAny;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let (mysql_url, mongo_url, (connections_url, inline), queues, aws, token_lifetime) = boot::read(|settings| {
        let (mysql_url, mongo_url, queues) = (settings.mysql_url(), settings.mongo_url(), settings.queues());
        (mysql_url, mongo_url, settings.connections(), queues, settings.aws(), settings.token_lifetime())
    })
    .await?;
    let (mongo, clock) = (Mongo::connect(&mongo_url).await?, boot::clock());
    let pusher = Arc::new(ManagementApi::new(&connections_url, &aws));
    let projector = Projector {
        mysql: Mysql::connect(&mysql_url, Mysql::LAMBDA_CONNECTIONS)?,
        // Nobody waits for the answer of a run.
        announcer: Announcer::new(mongo.clone(), pusher, clock, Background::inline())
            .with_inline_connections(inline)
            .with_fanout(Sqs::jobs(queues.fanout.as_deref(), &aws))
            .with_presence(Sqs::jobs(queues.presence.as_deref(), &aws))
            .with_notifications(Sqs::jobs(queues.push.as_deref(), &aws)),
        mongo,
        clock,
        token_lifetime,
    };
    let service = service_fn(async |_: LambdaEvent<IgnoredAny>| {
        Cost::begin();
        let report = Box::pin(relay::run(&projector)).await.inspect_err(|fault| fault.log("relay"))?;
        let backlog = Backlog::read(&projector).await.inspect_err(|fault| fault.log("look at what is left"))?;
        report.tell(backlog);
        Ok::<_, BoxError>(report)
    });
    Runtime::new(service).layer(TracingLayer::new()).layer(EndWhenStale).run().await
}
