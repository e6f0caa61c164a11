//! The `relay` Lambda.

use boot::Settings;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use messaging::Messenger;
use mongo::Mongo;
use mysql::Mysql;
use projection::Projector;
use realtime::ManagementApi;
use serde::de::IgnoredAny;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    boot::telemetry();
    let mut settings = Settings::load().await;
    let (mysql_url, mongo_url) = (settings.mysql_url(), settings.mongo_url());
    let (connections_url, aws) = (settings.connections_url(), settings.aws_credentials());
    let (token_lifetime, send_limit) = (settings.token_lifetime(), settings.send_limit());
    settings.finish()?;

    let projector = Projector {
        mysql: Mysql::connect(&mysql_url?, Mysql::LAMBDA_CONNECTIONS)?,
        mongo: Mongo::connect(&mongo_url?).await?,
        pusher: ManagementApi::new(&connections_url?, aws?),
        clock: boot::clock(),
        token_lifetime: token_lifetime?,
    };
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
