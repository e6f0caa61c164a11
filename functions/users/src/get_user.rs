use crate::App;
use axum::extract::State;
use contract::PersonView;
use domain::{Code, Fault, UserId};
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(GetProblems: UserNotFound);

/// Shows a person's profile.
///
/// Of a friend it also says whether they are online. A person who has blocked the caller looks like a deleted account.
#[utoipa::path(
    get, path = "/users/{id}", operation_id = "get_user", tag = "users", security(("bearer" = [])),
    params(("id" = UserId, Path, description = "The person's id.", example = 3)),
    responses((status = 200, description = "The profile.", body = PersonView), GetProblems, CallerProblems, StoreProblems)
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn get_user(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UserId>,
) -> ApiResult<Json<PersonView>> {
    Ok(Json(find_person(&app, id, caller.id).await?))
}

async fn find_person(app: &App, id: UserId, viewer: UserId) -> Result<PersonView, Fault> {
    let found = app.projector.mysql.users().find_visible(id, viewer).await?;
    let (profile, is_friend) = found.ok_or(Code::UserNotFound)?;
    if !is_friend {
        return Ok(PersonView::of(profile, None));
    }
    let seen = app.projector.mongo.presence().list_seen(viewer, &[id], app.clock.now()).await?;
    Ok(PersonView::of(profile, Some(seen.get(&id).copied().unwrap_or_default())))
}
