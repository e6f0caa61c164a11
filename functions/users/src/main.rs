//! The Lambda `users`.

use boot::Settings;
use credentials::AccessTokens;
use mongo::Mongo;
use mysql::Mysql;
use projection::Projector;
use realtime::ManagementApi;
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    boot::telemetry();
    let mut settings = Settings::load().await;
    let (mysql_url, mongo_url, signing) = (settings.mysql_url(), settings.mongo_url(), settings.signing());
    let (connections_url, aws) = (settings.connections_url(), settings.aws_credentials());
    let search_limit = settings.search_limit();
    settings.finish()?;

    let (mongo, signing) = (Mongo::connect(&mongo_url?).await?, signing?);
    let tokens = AccessTokens::new(signing.algorithm, &signing.key, signing.previous_key.as_deref(), signing.lifetime)?;
    let app = users::App {
        gatekeeper: web::Gatekeeper { tokens, mongo: mongo.clone(), clock: boot::clock() },
        projector: Projector {
            mysql: Mysql::connect(&mysql_url?, Mysql::LAMBDA_CONNECTIONS)?,
            mongo,
            pusher: ManagementApi::new(&connections_url?, aws?),
            clock: boot::clock(),
            token_lifetime: signing.lifetime,
        },
        search_limit: search_limit?,
        clock: boot::clock(),
    };
    web::serve(users::router(app)).await
}
