//! The Lambda `health`.

use boot::BoxError;
use health::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    web::run(health::routes(), App::connect).await
}
