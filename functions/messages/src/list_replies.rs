use crate::App;
use axum::extract::State;
use contract::{Listed, MessageView, PageQuery};
use domain::MessageId;
use messaging::ListReplies;
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Gatekeeper, Json, Path, Query, QueryProblems, StoreProblems};

web::problems!(RepliesProblems: MessageNotFound);

/// Lists the replies to a message, the oldest first.
#[utoipa::path(
    get, path = "/messages/{id}/replies", operation_id = "list_replies", tag = "messages", security(("bearer" = [])),
    params(("id" = MessageId, Path, description = "The message's id.", example = "66f0c3d2a1b2c3d4e5f60718"), PageQuery),
    responses(
        (status = 200, description = "A page of replies.", body = Listed<MessageView>),
        RepliesProblems, QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id, message.id = %id))]
pub(crate) async fn list_replies(
    State(app): State<App>,
    State(gate): State<Gatekeeper>,
    bearer: Bearer,
    Path(id): Path<MessageId>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Listed<MessageView>>> {
    let (size, after) = query.parse()?;
    let query = ListReplies { message: id, user: bearer.id, after, size };
    let page = Box::pin(bearer.read(&gate, messaging::list_replies(&app.messenger, query))).await?;
    Ok(Json(Listed::of(page, |reply| reply)?))
}
