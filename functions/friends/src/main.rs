//! The Lambda `friends`.

use backend::Backend;
use boot::BoxError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    web::run_with_background(friends::routes(), Backend::connect).await
}
