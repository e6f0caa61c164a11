//! The Lambda `messages`.

use boot::BoxError;
use messages::App;
use mimalloc::MiMalloc;

/// A push allocates often: with glibc's allocator a tenth fewer of them leave in the same time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    web::run_with_background(messages::routes(), App::connect).await
}
