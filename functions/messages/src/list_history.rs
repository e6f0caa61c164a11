use crate::App;
use axum::extract::State;
use contract::{Listed, MessageVersionView, PageQuery};
use domain::MessageId;
use messaging::ListHistory;
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Gatekeeper, Json, Path, Query, QueryProblems, StoreProblems};

web::problems!(HistoryProblems: MessageNotFound);

/// Lists the texts that a message had before its edits, the newest first.
///
/// The newest 20 are kept, and at most 64 KB of them. A deleted message has none.
#[utoipa::path(
    get, path = "/messages/{id}/history", operation_id = "list_history", tag = "messages", security(("bearer" = [])),
    params(("id" = MessageId, Path, description = "The message's id.", example = "66f0c3d2a1b2c3d4e5f60718"), PageQuery),
    responses(
        (status = 200, description = "A page of texts.", body = Listed<MessageVersionView>),
        HistoryProblems, QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id, message.id = %id))]
pub(crate) async fn list_history(
    State(app): State<App>,
    State(gate): State<Gatekeeper>,
    bearer: Bearer,
    Path(id): Path<MessageId>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Listed<MessageVersionView>>> {
    let (size, before) = query.parse()?;
    let query = ListHistory { message: id, user: bearer.id, before, size };
    let page = bearer.read(&gate, messaging::list_history(&app.messenger, query)).await?;
    Ok(Json(Listed::of(page, |version| version)?))
}
