use crate::App;
use axum::extract::State;
use contract::{Listed, ReactorView, ReactorsQuery};
use domain::MessageId;
use messaging::ListReactors;
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Gatekeeper, Json, Path, Query, QueryProblems, StoreProblems};

web::problems!(ListProblems: MessageNotFound);

/// Lists who reacted to a message, the first reaction first.
#[utoipa::path(
    get, path = "/messages/{id}/reactions", operation_id = "list_reactions", tag = "messages", security(("bearer" = [])),
    params(
        ("id" = MessageId, Path, description = "The message's id.", example = "66f0c3d2a1b2c3d4e5f60718"),
        ReactorsQuery,
    ),
    responses(
        (status = 200, description = "A page of reactions.", body = Listed<ReactorView>),
        ListProblems, QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id, message.id = %id))]
pub(crate) async fn list_reactions(
    State(app): State<App>,
    State(gate): State<Gatekeeper>,
    bearer: Bearer,
    Path(id): Path<MessageId>,
    Query(query): Query<ReactorsQuery>,
) -> ApiResult<Json<Listed<ReactorView>>> {
    let (emoji, (size, after)) = (query.parse()?, contract::page(query.limit, query.cursor.as_deref())?);
    let list = ListReactors { message: id, user: bearer.id, emoji, size };
    let page = messaging::list_reactors(&app.messenger.mongo, list, after.as_ref());
    Ok(Json(Listed::of(bearer.read(&gate, page).await?, ReactorView::from)?))
}
