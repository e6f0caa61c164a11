//! The Lambda `auth`.

use auth::App;
use boot::BoxError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    web::run_with_background(auth::routes(), App::connect).await
}
