use crate::App;
use axum::extract::State;
use contract::{AccountView, NewPicture};
use domain::{Aggregate, Code, Fault, Picture, Timestamp, UploadId, User, UserId};
use mongo::PictureOf;
use mysql::Tx;
use projection::Changed;
use tracing::instrument;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Json, StoreProblems};

web::problems!(pub(crate) AvatarProblems: UploadNotReady, UploadTaken);

/// Gives the caller a picture.
///
/// It must be `ready`, and was uploaded with the purpose `avatar`. The picture before is deleted.
#[utoipa::path(
    put, path = "/users/me/avatar", operation_id = "update_avatar", tag = "users", security(("bearer" = [])),
    request_body = NewPicture,
    responses(
        (status = 200, description = "The account as of the change.", body = AccountView),
        AvatarProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn update_avatar(
    State(app): State<App>,
    caller: Caller,
    Json(NewPicture { upload_id }): Json<NewPicture>,
) -> ApiResult<Json<AccountView>> {
    Ok(Json(give(&app, caller.id, upload_id).await?.into()))
}

async fn give(app: &App, user: UserId, upload: UploadId) -> Result<User, Fault> {
    let projector = &app.projector;
    let account = projector.mysql.users().find(user).await?.ok_or(Code::Unauthenticated)?;
    if account.profile.avatar.as_ref().is_some_and(|avatar| avatar.id == upload) {
        projector.catch_up(&[Aggregate::Person(user)]).await?;
        return Ok(account);
    }
    let avatar = Some(projector.claim_picture(PictureOf::Person(user), user, upload).await?);
    show(app, Show { user, avatar, at: app.clock.now() }).await
}

/// Another picture of an account, or none.
#[derive(Clone)]
pub(crate) struct Show {
    pub(crate) user: UserId,
    pub(crate) avatar: Option<Picture>,
    pub(crate) at: Timestamp,
}

/// Shows a picture that is claimed, or none; the one before is deleted.
pub(crate) async fn show(app: &App, command: Show) -> Result<User, Fault> {
    let (user, shown) = (command.user, command.avatar.as_ref().map(|avatar| avatar.id));
    let (account, before) = app.projector.change(command, show_avatar).await?;
    app.projector.replace_picture(PictureOf::Person(user), shown, before).await;
    Ok(account)
}

async fn show_avatar(tx: &mut Tx, command: Show) -> Result<Changed<(User, Option<UploadId>)>, Fault> {
    let Show { user, avatar, at } = command;
    tx.users().lock(&[user]).await?;
    let before = tx.users().find(user).await?.ok_or(Code::Unauthenticated)?.profile.avatar.map(|avatar| avatar.id);
    tx.users().update_avatar(user, avatar.as_ref(), at).await?;
    let touched = vec![Aggregate::Person(user)];
    tx.outbox().insert(&touched, at).await?;
    let account = tx.users().find(user).await?.ok_or(Code::Unauthenticated)?;
    Ok(Changed::quietly(touched, (account, before)))
}
