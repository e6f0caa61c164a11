use crate::App;
use axum::extract::State;
use contract::{NewReaction, ReactionsView};
use domain::MessageId;
use messaging::{React, Reacted};
use tracing::instrument;
use web::{ApiResult, Bearer, BodyProblems, CallerProblems, Json, Path, StoreProblems};

web::problems!(AddProblems: MessageNotFound, RecipientUnavailable, SystemMessage, TooManyReactions);

/// Reacts to a message.
///
/// Any member may, with several emojis too. Reacting twice with the same emoji changes nothing. A message has at most 20 different
/// emojis.
#[utoipa::path(
    put, path = "/messages/{id}/reactions", operation_id = "add_reaction", tag = "messages", security(("bearer" = [])),
    params(("id" = MessageId, Path, description = "The message's id.", example = "66f0c3d2a1b2c3d4e5f60718")),
    request_body = NewReaction,
    responses(
        (status = 200, description = "The message's reactions.", body = ReactionsView),
        AddProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id, message.id = %id))]
pub(crate) async fn add_reaction(
    State(app): State<App>,
    bearer: Bearer,
    Path(id): Path<MessageId>,
    Json(reaction): Json<NewReaction>,
) -> ApiResult<Json<ReactionsView>> {
    let command = React { message: id, emoji: reaction.parse()?, to: Reacted::There };
    Ok(Json(messaging::react(&app.messenger, &app.author(&bearer), command).await?.into()))
}
