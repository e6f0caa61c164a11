//! The Lambda `group-rooms`.

use boot::BoxError;
use group_rooms::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    web::run_with_background(group_rooms::routes(), App::connect).await
}
