//! The Lambda `ws-send`.

use boot::Settings;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use mongo::Mongo;
use realtime::ManagementApi;
use ws_send::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    boot::telemetry();
    let mut settings = Settings::load().await;
    let mongo_url = settings.mongo_url();
    let (connections_url, aws) = (settings.connections_url(), settings.aws_credentials());
    let (send_limit, frame_limit) = (settings.send_limit(), settings.frame_limit());
    settings.finish()?;

    let app = App {
        mongo: Mongo::connect(&mongo_url?).await?,
        pusher: ManagementApi::new(&connections_url?, aws?),
        send_limit: send_limit?,
        frame_limit: frame_limit?,
        clock: boot::clock(),
        random: boot::random(),
    };
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        ws_send::handle(&app, &event.payload).await.map_err(Error::from)
    }))
    .await
}
