//! The Lambda `inspect`.

use announce::Announcer;
use background::Background;
use boot::{BoxError, Cost, EndWhenStale};
use files::Files;
use inspect::{Event, Inspection};
use lambda_runtime::{LambdaEvent, Runtime, layers::TracingLayer, service_fn};
use media::Inspector;
use mongo::Mongo;
use realtime::ManagementApi;
use std::{process::ExitCode, sync::Arc};

fn main() -> Result<ExitCode, BoxError> {
    // Before there is a thread, a secret or a connection.
    if let Some(code) = media::answer_as_child() {
        return Ok(code);
    }
    serve().map(|()| ExitCode::SUCCESS)
}

#[tokio::main(flavor = "current_thread")]
async fn serve() -> Result<(), BoxError> {
    let (mongo_url, files, limits, scan, (connections_url, inline), aws) = boot::read(|settings| {
        let (files, limits, scan) = (settings.files(), settings.media_limits(), settings.malware_scan());
        (settings.mongo_url(), files, limits, scan, settings.connections(), settings.aws())
    })
    .await?;
    let (mongo, clock) = (Mongo::connect(&mongo_url).await?, boot::clock());
    let pusher = Arc::new(ManagementApi::new(&connections_url, &aws));
    let inspection = Inspection {
        files: Files::connect(&files),
        inspector: Inspector::of_this_program(inspect::limits(&limits))?,
        scan,
        // Nobody waits for the answer.
        announcer: Announcer::new(mongo.clone(), pusher, clock, Background::inline()).with_inline_connections(inline),
        mongo,
        clock,
    };
    let service = service_fn(async |event: LambdaEvent<Event>| {
        Cost::begin();
        let answer = Box::pin(inspection.answer(&event.payload)).await.inspect_err(|fault| fault.log("inspect a file"));
        Cost::log();
        answer.map_err(BoxError::from)
    });
    Runtime::new(service).layer(TracingLayer::new()).layer(EndWhenStale).run().await
}
