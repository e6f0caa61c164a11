//! The Lambda `docs`.

use boot::BoxError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    web::run(docs::routes(), async || Ok(())).await
}
