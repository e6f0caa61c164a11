//! The Lambda function of the crate `auth`.

use auth::App;
use credentials::{AccessTokens, RefreshTokens};
use projection::ProjectorSettings;
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    boot::telemetry();
    let mut settings = boot::Settings::load().await;
    let (projector, signing) = (ProjectorSettings::read(&mut settings), settings.signing());
    let websocket_url = settings.websocket_url();
    let (sign_in_limit, ticket_limit) = (settings.sign_in_limit(), settings.ticket_limit());
    settings.finish()?;

    let signing = signing?;
    let (key, previous) = (&signing.key, signing.previous_key.as_deref());
    let app = App {
        projector: projector.connect().await?,
        access_tokens: AccessTokens::new(signing.algorithm, key, previous, signing.lifetime)?,
        refresh_tokens: RefreshTokens::new(key, previous),
        websocket_url: websocket_url?.into(),
        sign_in_limit: sign_in_limit?,
        ticket_limit: ticket_limit?,
        clock: boot::clock(),
        random: boot::random(),
    };
    web::serve(auth::router(app)).await
}
