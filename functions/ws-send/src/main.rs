//! The Lambda `ws-send`.

use boot::BoxError;
use mimalloc::MiMalloc;
use ws_send::App;

/// A push allocates often: with glibc's allocator a tenth fewer of them leave in the same time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    socket::run_with_background(App::connect, ws_send::handle).await
}
