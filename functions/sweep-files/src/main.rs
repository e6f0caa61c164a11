//! The Lambda `sweep-files`.

use boot::{BoxError, Cost, EndWhenStale};
use files::Files;
use lambda_runtime::{LambdaEvent, Runtime, layers::TracingLayer, service_fn};
use mongo::Mongo;
use serde::de::IgnoredAny;
use sweep_files::Sweeper;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let (mongo_url, files) = boot::read(|settings| (settings.mongo_url(), settings.files())).await?;
    let (mongo, files, clock) = (Mongo::connect(&mongo_url).await?, Files::connect(&files), boot::clock());
    let sweeper = Sweeper { mongo, files, clock };
    let service = service_fn(async |_: LambdaEvent<IgnoredAny>| {
        Cost::begin();
        let report = Box::pin(sweeper.run()).await.inspect_err(|fault| fault.log("sweep files"))?;
        let oldest = sweeper.find_oldest().await.inspect_err(|fault| fault.log("look at what is left"))?;
        report.tell(oldest);
        Ok::<_, BoxError>(report)
    });
    Runtime::new(service).layer(TracingLayer::new()).layer(EndWhenStale).run().await
}
