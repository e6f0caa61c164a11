//! The Lambda `blocks`.

use boot::Settings;
use credentials::AccessTokens;
use projection::ProjectorSettings;
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    boot::telemetry();
    let mut settings = Settings::load().await;
    let (projector, signing) = (ProjectorSettings::read(&mut settings), settings.signing());
    settings.finish()?;

    let (projector, signing) = (projector.connect().await?, signing?);
    let tokens = AccessTokens::new(signing.algorithm, &signing.key, signing.previous_key.as_deref(), signing.lifetime)?;
    let app = blocks::App {
        gatekeeper: web::Gatekeeper { tokens, mongo: projector.mongo.clone(), clock: boot::clock() },
        projector,
        clock: boot::clock(),
    };
    web::serve(blocks::router(app)).await
}
