use crate::App;
use axum::extract::State;
use contract::{ReactionQuery, ReactionsView};
use domain::MessageId;
use messaging::{React, Reacted};
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Json, Path, Query, QueryProblems, StoreProblems};

web::problems!(RemoveProblems: MessageNotFound, SystemMessage);

/// Takes one of the caller's reactions back.
///
/// A reaction that is not there changes nothing. A block keeps nobody from it.
#[utoipa::path(
    delete, path = "/messages/{id}/reactions", operation_id = "remove_reaction", tag = "messages", security(("bearer" = [])),
    params(
        ("id" = MessageId, Path, description = "The message's id.", example = "66f0c3d2a1b2c3d4e5f60718"),
        ReactionQuery,
    ),
    responses(
        (status = 200, description = "The message's reactions.", body = ReactionsView),
        RemoveProblems, QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id, message.id = %id))]
pub(crate) async fn remove_reaction(
    State(app): State<App>,
    bearer: Bearer,
    Path(id): Path<MessageId>,
    Query(query): Query<ReactionQuery>,
) -> ApiResult<Json<ReactionsView>> {
    let command = React { message: id, emoji: query.parse()?, to: Reacted::Gone };
    Ok(Json(messaging::react(&app.messenger, &app.author(&bearer), command).await?.into()))
}
