//! The Lambda function of the crate `health`.

use health::App;
use mysql::Mysql;
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    boot::telemetry();
    let mut settings = boot::Settings::load().await;
    let (mysql_url, mongo_url) = (settings.mysql_url(), settings.mongo_url());
    settings.finish()?;

    let app = App::new(Mysql::connect(&mysql_url?, Mysql::LAMBDA_CONNECTIONS)?, &mongo_url?);
    web::serve(health::router(app)).await
}
