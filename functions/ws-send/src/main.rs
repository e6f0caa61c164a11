//! The Lambda `ws-send`.

use boot::Settings;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use mongo::Mongo;
use realtime::{AwsCredentials, ManagementApi};
use ws_send::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    boot::telemetry();
    let mut settings = Settings::load().await;
    let mongo_url = settings.mongo_url();
    let (connections_url, aws) = (settings.connections_url(), settings.aws_credentials());
    settings.finish()?;

    let (mongo, aws) = (Mongo::connect(&mongo_url?).await?, aws?);
    let credentials = AwsCredentials {
        access_key_id: aws.access_key_id,
        secret_access_key: aws.secret_access_key,
        session_token: aws.session_token,
        region: aws.region,
    };
    let pusher = ManagementApi::new(&connections_url?, credentials);
    let app = App { mongo, pusher, clock: boot::clock(), random: boot::random() };
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        ws_send::handle(&app, &event.payload).await.map_err(Error::from)
    }))
    .await
}
