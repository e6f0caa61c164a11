use crate::App;
use axum::extract::State;
use contract::AccountView;
use domain::Code;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, StoreProblems};

/// Shows the caller's account.
#[utoipa::path(
    get, path = "/users/me", operation_id = "get_me", tag = "users", security(("bearer" = [])),
    responses((status = 200, description = "The account.", body = AccountView), CallerProblems, StoreProblems)
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn get_me(State(app): State<App>, caller: Caller) -> ApiResult<Json<AccountView>> {
    let user = app.projector.mysql.users().find(caller.id).await?;
    // Whose account has just gone has no session either.
    Ok(Json(user.ok_or(Code::Unauthenticated)?.into()))
}
