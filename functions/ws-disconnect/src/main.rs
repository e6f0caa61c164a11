//! The Lambda `ws-disconnect`.

use boot::Settings;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use mongo::Mongo;
use serde_json::json;
use tracing::error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    boot::telemetry();
    let mut settings = Settings::load().await;
    let mongo_url = settings.mongo_url();
    settings.finish()?;

    let mongo = Mongo::connect(&mongo_url?).await?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        // API Gateway does nothing with the answer, and the row expires by itself.
        if let Err(fault) = ws_disconnect::handle(&mongo, &event.payload).await {
            error!(code = fault.code.as_str(), cause = ?fault.source, "Could not forget a closed connection");
        }
        Ok::<_, Error>(json!({ "statusCode": 200 }))
    }))
    .await
}
