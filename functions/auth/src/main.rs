//! The Lambda function of the crate `auth`.

use auth::App;
use credentials::{AccessTokens, RefreshTokens};
use mongo::Mongo;
use mysql::Mysql;
use projection::Projector;
use realtime::ManagementApi;
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    boot::telemetry();
    let mut settings = boot::Settings::load().await;
    let (mysql_url, mongo_url) = (settings.mysql_url(), settings.mongo_url());
    let (signing, websocket_url) = (settings.signing(), settings.websocket_url());
    let (connections_url, aws) = (settings.connections_url(), settings.aws_credentials());
    let (sign_in_limit, ticket_limit) = (settings.sign_in_limit(), settings.ticket_limit());
    settings.finish()?;

    let signing = signing?;
    let (key, previous) = (&signing.key, signing.previous_key.as_deref());
    let projector = Projector {
        mysql: Mysql::connect(&mysql_url?, Mysql::LAMBDA_CONNECTIONS)?,
        mongo: Mongo::connect(&mongo_url?).await?,
        pusher: ManagementApi::new(&connections_url?, aws?),
        clock: boot::clock(),
        token_lifetime: signing.lifetime,
    };
    let app = App {
        projector,
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
