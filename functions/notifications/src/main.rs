//! The Lambda `notifications`.

use boot::BoxError;
use notifications::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    web::run(notifications::routes(), App::connect).await
}
