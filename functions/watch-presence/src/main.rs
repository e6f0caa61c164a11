//! The Lambda `watch-presence`.

use boot::BoxError;
use queue::PresenceJob;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    worker::run(watch_presence::connect, PresenceJob::parse, watch_presence::handle).await
}
