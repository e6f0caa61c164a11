//! The Lambda `uploads`.

use boot::BoxError;
use uploads::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    web::run(uploads::routes(), App::connect).await
}
