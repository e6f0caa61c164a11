//! The Lambda `messages`.

use boot::Settings;
use credentials::AccessTokens;
use mongo::Mongo;
use realtime::{AwsCredentials, ManagementApi};
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    boot::telemetry();
    let mut settings = Settings::load().await;
    let (mongo_url, signing) = (settings.mongo_url(), settings.signing());
    let (connections_url, aws) = (settings.connections_url(), settings.aws_credentials());
    settings.finish()?;

    let (mongo, signing, aws) = (Mongo::connect(&mongo_url?).await?, signing?, aws?);
    let tokens = AccessTokens::new(signing.algorithm, &signing.key, signing.previous_key.as_deref(), signing.lifetime)?;
    let credentials = AwsCredentials {
        access_key_id: aws.access_key_id,
        secret_access_key: aws.secret_access_key,
        session_token: aws.session_token,
        region: aws.region,
    };
    let app = messages::App {
        gatekeeper: web::Gatekeeper { tokens, mongo: mongo.clone(), clock: boot::clock() },
        mongo,
        pusher: ManagementApi::new(&connections_url?, credentials),
        clock: boot::clock(),
        random: boot::random(),
    };
    web::serve(messages::router(app)).await
}
