use crate::{App, view::show};
use axum::extract::State;
use contract::{GroupRoomView, NewPicture};
use domain::{
    Aggregate, Code, Fault, GroupAct, GroupRoom, Picture, RoomId, System, SystemKind, Timestamp, UploadId, UserId,
    group,
};
use mongo::PictureOf;
use mysql::{Tx, ViewedGroup};
use projection::Changed;
use tracing::instrument;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(PictureProblems: NotPermitted, RoomNotFound, UploadNotReady, UploadTaken);

/// Gives a group a picture.
///
/// It must be `ready`, and was uploaded by the caller with the purpose `group_picture`. The picture before is deleted.
#[utoipa::path(
    put, path = "/group-rooms/{id}/picture", operation_id = "update_picture", tag = "group-rooms", security(("bearer" = [])),
    params(("id" = RoomId, Path, description = "The group's id.", example = 7)),
    request_body = NewPicture,
    responses(
        (status = 200, description = "The group as it is now.", body = GroupRoomView),
        PictureProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %room))]
pub(crate) async fn update_picture(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Json(NewPicture { upload_id }): Json<NewPicture>,
) -> ApiResult<Json<GroupRoomView>> {
    let found = give(&app, room, caller.id, upload_id).await?;
    Ok(Json(show(&app, found, caller.id).await?))
}

async fn give(app: &App, room: RoomId, by: UserId, upload: UploadId) -> Result<ViewedGroup, Fault> {
    let found = find_editable(app, room, by).await?;
    if found.room.picture.as_ref().is_some_and(|picture| picture.id == upload) {
        app.catch_up(&[Aggregate::GroupRoom(room)]).await?;
        return Ok(found);
    }
    let picture = Some(app.claim_picture(PictureOf::Group(room), by, upload).await?);
    Show { room, by, picture, at: app.clock.now() }.run(app).await
}

/// A group whose picture the person may change.
pub(crate) async fn find_editable(app: &App, room: RoomId, by: UserId) -> Result<ViewedGroup, Fault> {
    let found = app.mysql.groups().find(room, by).await?.ok_or(Code::RoomNotFound)?;
    group::actor(found.of.as_ref())?.role.may(GroupAct::EditRoom)?;
    Ok(found)
}

/// Another picture of a group, or none.
#[derive(Clone)]
pub(crate) struct Show {
    pub(crate) room: RoomId,
    pub(crate) by: UserId,
    pub(crate) picture: Option<Picture>,
    pub(crate) at: Timestamp,
}

impl Show {
    /// Shows a picture that is claimed, or none; the one before is deleted.
    pub(crate) async fn run(self, app: &App) -> Result<ViewedGroup, Fault> {
        let (room, shown) = (self.room, self.picture.as_ref().map(|picture| picture.id));
        let (found, before) = app.change(self, show_picture).await?;
        app.replace_picture(PictureOf::Group(room), shown, before).await;
        Ok(found)
    }
}

async fn show_picture(tx: &mut Tx, command: Show) -> Result<Changed<(ViewedGroup, Option<UploadId>)>, Fault> {
    let Show { room, by, picture, at } = command;
    let found = tx.groups().lock(room).await?.ok_or(Code::RoomNotFound)?;
    let of = tx.members().find(room, by).await?;
    group::actor(of.as_ref())?.role.may(GroupAct::EditRoom)?;
    let touched = vec![Aggregate::GroupRoom(room)];
    let before = found.picture.as_ref().map(|picture| picture.id);
    if found.picture == picture {
        return Ok(Changed::quietly(touched, (ViewedGroup { room: found, of }, before)));
    }
    tx.groups().update_picture(room, picture.as_ref(), at).await?;
    let name = Some(found.name.clone());
    let system = System { kind: SystemKind::RoomUpdated, user: None, by, role: None, name };
    tx.room_events().insert(room, &[system], at).await?;
    tx.outbox().insert(&touched, at).await?;
    let after = GroupRoom { picture, updated_at: at, ..found };
    Ok(Changed::quietly(touched, (ViewedGroup { room: after, of }, before)))
}
