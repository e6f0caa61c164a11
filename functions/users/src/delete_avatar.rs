use crate::{
    App,
    update_avatar::{Show, show},
};
use axum::extract::State;
use domain::{Aggregate, Code, Fault, UserId};
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, NoContent, StoreProblems};

/// Takes the caller's picture away.
///
/// Repeating it changes nothing.
#[utoipa::path(
    delete, path = "/users/me/avatar", operation_id = "delete_avatar", tag = "users", security(("bearer" = [])),
    responses((status = 204, description = "The caller shows no picture."), CallerProblems, StoreProblems)
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn delete_avatar(State(app): State<App>, caller: Caller) -> ApiResult<NoContent> {
    take(&app, caller.id).await?;
    Ok(NoContent)
}

async fn take(app: &App, user: UserId) -> Result<(), Fault> {
    let account = app.projector.mysql.users().find(user).await?.ok_or(Code::Unauthenticated)?;
    if account.profile.avatar.is_none() {
        return app.projector.catch_up(&[Aggregate::Person(user)]).await;
    }
    show(app, Show { user, avatar: None, at: app.clock.now() }).await.map(drop)
}
