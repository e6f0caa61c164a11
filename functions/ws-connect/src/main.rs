//! The Lambda `ws-connect`.

use boot::BoxError;
use ws_connect::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    socket::run(App::connect, ws_connect::handle).await
}
