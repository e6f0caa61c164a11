//! The Lambda `blocks`.

use backend::Backend;
use boot::BoxError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    web::run_with_background(blocks::routes(), Backend::connect).await
}
