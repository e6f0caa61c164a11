//! The Lambda `fanout`.

use boot::BoxError;
use fanout::App;
use queue::FanoutJob;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    worker::run(App::connect, FanoutJob::parse, fanout::work).await
}
