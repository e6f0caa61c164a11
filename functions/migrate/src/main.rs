//! The Lambda `migrate`.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use migrate::{App, Report};
use serde::de::IgnoredAny;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (mysql_url, mongo_url) = boot::read(|settings| (settings.mysql_url(), settings.mongo_url())).await?;
    let app = App::connect(&mysql_url, &mongo_url, boot::clock()).await?;
    lambda_runtime::run(service_fn(|event| migrate(&app, event))).await
}

async fn migrate(app: &App, _: LambdaEvent<IgnoredAny>) -> Result<Report, Error> {
    Ok(app.migrate().await.inspect_err(|error| tracing::error!("Failed to migrate {error}"))?)
}
