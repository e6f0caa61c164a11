use crate::App;
use axum::extract::State;
use domain::{Aggregate, Code, Fault, GroupAct, Removal, Role, RoomId, RoomNews, RoomNotice, Timestamp, UserId, group};
use mongo::PictureOf;
use mysql::Tx;
use projection::Changed;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, NoContent, Path, StoreProblems};

web::problems!(DeleteProblems: NotPermitted, RoomNotFound);

/// Deletes a group.
///
/// Its members lose it at once, and its invites end. Repeating it changes nothing.
#[utoipa::path(
    delete, path = "/group-rooms/{id}", operation_id = "delete_group_room", tag = "group-rooms", security(("bearer" = [])),
    params(("id" = RoomId, Path, description = "The group's id.", example = 7)),
    responses((status = 204, description = "The group is deleted."), DeleteProblems, CallerProblems, StoreProblems)
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %room))]
pub(crate) async fn delete_group_room(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
) -> ApiResult<NoContent> {
    Close { room, by: caller.id, at: app.clock.now() }.run(&app).await?;
    Ok(NoContent)
}

#[derive(Debug, Clone, Copy)]
struct Close {
    room: RoomId,
    by: UserId,
    at: Timestamp,
}

impl Close {
    async fn run(self, app: &App) -> Result<(), Fault> {
        let Some(found) = app.mysql.groups().find(self.room, self.by).await? else {
            let of = app.mysql.members().find(self.room, self.by).await?;
            // Only the person who owned a group when it was closed still has the role of its owner.
            of.filter(|of| of.role == Role::Owner).ok_or(Code::RoomNotFound)?;
            return app.catch_up(&self.touched()).await;
        };
        group::actor(found.of.as_ref())?.role.may(GroupAct::Close)?;
        app.change(self, close).await?;
        let picture = found.room.picture.map(|picture| picture.id);
        app.replace_picture(PictureOf::Group(self.room), None, picture).await;
        Ok(())
    }

    fn touched(self) -> Vec<Aggregate> {
        vec![Aggregate::GroupRoom(self.room), Aggregate::Person(self.by)]
    }
}

async fn close(tx: &mut Tx, command: Close) -> Result<Changed<()>, Fault> {
    let Close { room, by, at } = command;
    tx.users().lock(&[by]).await?;
    let is_open = tx.groups().lock(room).await?.is_some();
    let of = tx.members().find(room, by).await?;
    if !is_open {
        of.filter(|of| of.role == Role::Owner).ok_or(Code::RoomNotFound)?;
        return Ok(Changed::quietly(command.touched(), ()));
    }
    group::actor(of.as_ref())?.role.may(GroupAct::Close)?;
    let members = tx.groups().find_snapshot(room).await?.map(|it| it.access.members).unwrap_or_default();
    tx.groups().close(room, at).await?;
    tx.members().close(room, at).await?;
    tx.groups().remove_names(room).await?;
    tx.users().raise_versions(&[by]).await?;
    tx.outbox().insert(&command.touched(), at).await?;
    let removed = |to| RoomNotice { to, room, by, news: RoomNews::Removed(Removal::Closed) };
    let room_notices = members.into_iter().map(|member| removed(member.user)).collect();
    Ok(Changed { touched: command.touched(), notices: Vec::new(), room_notices, answer: () })
}
