//! The Lambda `ws-disconnect`.

use boot::BoxError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    socket::run(ws_disconnect::App::connect, ws_disconnect::handle).await
}
