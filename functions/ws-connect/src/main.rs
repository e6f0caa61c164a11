//! The Lambda `ws-connect`.

use boot::Settings;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use mongo::Mongo;
use ws_connect::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    boot::telemetry();
    let mut settings = Settings::load().await;
    let (mongo_url, allowed_origins) = (settings.mongo_url(), settings.allowed_origins());
    settings.finish()?;

    let mongo = Mongo::connect(&mongo_url?).await?;
    let app = App { mongo, clock: boot::clock(), allowed_origins: allowed_origins? };
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        Ok::<_, Error>(ws_connect::handle(&app, &event.payload).await)
    }))
    .await
}
