//! The Lambda `send-push`.

use boot::BoxError;
use queue::PushJob;
use send_push::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    worker::run(App::connect, PushJob::parse, send_push::handle).await
}
