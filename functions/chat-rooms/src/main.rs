//! The Lambda `chat-rooms`.

use backend::Backend;
use boot::BoxError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    web::run_with_background(chat_rooms::routes(), Backend::connect).await
}
