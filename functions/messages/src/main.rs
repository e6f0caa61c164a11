//! The Lambda `messages`.

use boot::BoxError;
use messages::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    web::run_with_background(messages::routes(), App::connect).await
}
