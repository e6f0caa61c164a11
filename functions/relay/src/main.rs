//! The `relay` Lambda.

use boot::Settings;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use messaging::Messenger;
use projection::ProjectorSettings;
use serde::de::IgnoredAny;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    boot::telemetry();
    let mut settings = Settings::load().await;
    let (projector, send_limit) = (ProjectorSettings::read(&mut settings), settings.send_limit());
    settings.finish()?;

    let projector = projector.connect().await?;
    let messenger = Messenger { mongo: &projector.mongo, clock: projector.clock, send_limit: send_limit? };
    lambda_runtime::run(service_fn(async |_: LambdaEvent<IgnoredAny>| {
        let report = relay::run(&projector, messenger).await.inspect_err(|fault| {
            tracing::error!(code = fault.code.as_str(), "Could not relay: {:?}", fault.source);
        })?;
        tracing::info!(projected = report.projected, delivered = report.delivered, failed = report.failed, "Relayed");
        Ok::<_, Error>(report)
    }))
    .await
}
