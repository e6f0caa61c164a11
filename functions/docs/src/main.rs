//! The Lambda function of the crate `docs`.

use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    boot::telemetry();
    web::serve(docs::router()).await
}
