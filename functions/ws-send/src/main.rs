//! The Lambda `ws-send`.

use boot::BoxError;
use ws_send::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    socket::run_with_background(App::connect, ws_send::handle).await
}
