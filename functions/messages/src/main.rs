//! The Lambda `messages`.

use boot::Settings;
use credentials::AccessTokens;
use mongo::Mongo;
use realtime::ManagementApi;
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    boot::telemetry();
    let mut settings = Settings::load().await;
    let (mongo_url, signing) = (settings.mongo_url(), settings.signing());
    let (connections_url, aws) = (settings.connections_url(), settings.aws_credentials());
    let send_limit = settings.send_limit();
    settings.finish()?;

    let (mongo, signing) = (Mongo::connect(&mongo_url?).await?, signing?);
    let tokens = AccessTokens::new(signing.algorithm, &signing.key, signing.previous_key.as_deref(), signing.lifetime)?;
    let app = messages::App {
        gatekeeper: web::Gatekeeper { tokens, mongo: mongo.clone(), clock: boot::clock() },
        mongo,
        pusher: ManagementApi::new(&connections_url?, aws?),
        send_limit: send_limit?,
        clock: boot::clock(),
        random: boot::random(),
    };
    web::serve(messages::router(app)).await
}
