use crate::App;
use axum::extract::State;
use contract::ProfileView;
use domain::{Code, UserId};
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(GetProblems: UserNotFound);

/// Shows a person's profile.
///
/// A person who has blocked the caller looks like a deleted account.
#[utoipa::path(
    get, path = "/users/{id}", operation_id = "get_user", tag = "users", security(("bearer" = [])),
    params(("id" = UserId, Path, description = "The person's id.", example = 3)),
    responses((status = 200, description = "The profile.", body = ProfileView), GetProblems, CallerProblems, StoreProblems)
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn get_user(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UserId>,
) -> ApiResult<Json<ProfileView>> {
    let profile = app.projector.mysql.users().find_visible(id, caller.id).await?;
    Ok(Json(profile.ok_or(Code::UserNotFound)?.into()))
}
