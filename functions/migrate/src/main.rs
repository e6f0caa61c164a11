//! The Lambda `migrate`.

use announce::Announcer;
use background::Background;
use boot::{BoxError, EndWhenStale};
use domain::Timestamp;
use lambda_runtime::{Context, LambdaEvent, Runtime, layers::TracingLayer, service_fn};
use migrate::{Answer, App, Event, Failure, ResourceRequest, time_for_migration};
use mongo::Mongo;
use mysql::{Mysql, Rights};
use projection::Projector;
use realtime::ManagementApi;
use std::{sync::Arc, time::Duration};
use tokio::sync::OnceCell;

/// What is left of the function's time when a rebuild ends: one batch and the answer.
const MARGIN: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    boot::telemetry();
    // CloudFormation waits an hour for a function that does not start.
    let app = OnceCell::new();
    let service = service_fn(|event| run(&app, event));
    Runtime::new(service).layer(TracingLayer::new()).layer(EndWhenStale).run().await
}

async fn connect() -> Result<App, BoxError> {
    let ((mysql_url, app_url, health_url), mongo_url, connections_url, aws, token_lifetime) = boot::read(|settings| {
        let mysql_urls = settings.mysql_urls();
        (mysql_urls, settings.mongo_url(), settings.connections_url(), settings.aws(), settings.token_lifetime())
    })
    .await?;
    let (mongo, clock) = (Mongo::connect(&mongo_url).await?, boot::clock());
    let pusher = Arc::new(ManagementApi::new(&connections_url, &aws));
    let logins = [(app_url, Rights::Rows), (health_url, Rights::Version)];
    let projector = Projector {
        mysql: Mysql::connect(&mysql_url, Mysql::LAMBDA_CONNECTIONS)?,
        // Nobody waits for the answer of a rebuild.
        announcer: Announcer::new(mongo.clone(), pusher, clock, Background::inline()),
        mongo,
        clock,
        token_lifetime,
    };
    let logins = logins.into_iter().filter_map(|(url, rights)| Some((url?, rights))).collect();
    Ok(App { projector, logins })
}

async fn run(app: &OnceCell<App>, event: LambdaEvent<Event>) -> Result<Answer, BoxError> {
    let deadline = i64::try_from(event.context.deadline).map_or(i64::MAX, |millis| millis);
    let deadline = Timestamp::from_millis(deadline);
    match event.payload {
        Event::Resource(request) => deploy(app, &request, deadline, &event.context).await,
        Event::Invocation(invocation) => {
            let app = app.get_or_try_init(connect).await?;
            let answer = app.run(invocation, deadline.minus(MARGIN)).await;
            Ok(answer.inspect_err(|error| tracing::error!("Failed to migrate {error}"))?)
        }
    }
}

async fn deploy(
    app: &OnceCell<App>,
    request: &ResourceRequest,
    deadline: Timestamp,
    context: &Context,
) -> Result<Answer, BoxError> {
    let migration = async {
        let app = app.get_or_try_init(connect).await.map_err(|error| {
            tracing::error!("Failed to start: {error}");
            Failure::Start
        })?;
        app.deploy().await.map_err(|error| {
            tracing::error!("Failed to migrate {error}");
            Failure::from(error)
        })
    };
    let log = format!("{} {}", context.env_config.log_group, context.env_config.log_stream);
    request.serve(migration, time_for_migration(boot::clock().now(), deadline), &log).await?;
    Ok(Answer::Told)
}
