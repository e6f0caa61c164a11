use crate::App;
use axum::extract::State;
use contract::MessageReceiptsView;
use domain::MessageId;
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Gatekeeper, Json, Path, StoreProblems};

web::problems!(ReadersProblems: MessageNotFound);

/// Lists who has read a message.
#[utoipa::path(
    get, path = "/messages/{id}/receipts", operation_id = "list_readers", tag = "messages", security(("bearer" = [])),
    params(("id" = MessageId, Path, description = "The message's id.", example = "66f0c3d2a1b2c3d4e5f60718")),
    responses(
        (status = 200, description = "Who has read the message.", body = MessageReceiptsView),
        ReadersProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id, message.id = %id))]
pub(crate) async fn list_readers(
    State(app): State<App>,
    State(gate): State<Gatekeeper>,
    bearer: Bearer,
    Path(id): Path<MessageId>,
) -> ApiResult<Json<MessageReceiptsView>> {
    let readers = messaging::list_readers(&app.messenger.mongo, id, bearer.id);
    Ok(Json(bearer.read(&gate, readers).await?))
}
