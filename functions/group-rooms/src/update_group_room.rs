use crate::{App, view::show};
use axum::extract::State;
use contract::{GroupRoomPatch, GroupRoomView, ParsedGroupPatch};
use domain::{
    Aggregate, Code, Fault, GroupAct, GroupDescription, GroupName, GroupRoom, MaxMembers, Patch, RoomId, Step, System,
    SystemKind, Timestamp, UserId, group,
};
use mysql::{GroupPatch, Tx, ViewedGroup};
use projection::Changed;
use tracing::instrument;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(UpdateProblems: NotPermitted, RoomNotFound, TooManyMembers);

/// Changes a group's name, description, visibility or size, or who may mention all members.
///
/// Fields that are absent stay as they are. A public group that becomes private keeps its members.
#[utoipa::path(
    put, path = "/group-rooms/{id}", operation_id = "update_group_room", tag = "group-rooms", security(("bearer" = [])),
    params(("id" = RoomId, Path, description = "The group's id.", example = 7)),
    request_body = GroupRoomPatch,
    responses(
        (status = 200, description = "The group as it is now.", body = GroupRoomView),
        UpdateProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %room))]
pub(crate) async fn update_group_room(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Json(patch): Json<GroupRoomPatch>,
) -> ApiResult<Json<GroupRoomView>> {
    let command = Update { room, by: caller.id, patch: patch.parse()?, at: app.clock.now() };
    let found = command.run(&app).await?;
    Ok(Json(show(&app, found, caller.id).await?))
}

#[derive(Debug, Clone)]
struct Update {
    room: RoomId,
    by: UserId,
    patch: ParsedGroupPatch,
    at: Timestamp,
}

impl Update {
    async fn run(self, app: &App) -> Result<ViewedGroup, Fault> {
        let found = app.mysql.groups().find(self.room, self.by).await?.ok_or(Code::RoomNotFound)?;
        if self.decide(&found)? == Step::Stands {
            app.catch_up(&[Aggregate::GroupRoom(self.room)]).await?;
            return Ok(found);
        }
        app.change(self, update).await
    }

    fn decide(&self, ViewedGroup { room, of }: &ViewedGroup) -> Result<Step, Code> {
        group::actor(of.as_ref())?.role.may(GroupAct::EditRoom)?;
        if let Some(max_members) = self.patch.max_members {
            group::resize(room, max_members)?;
        }
        Ok(if changed(room, &self.patch) == *room { Step::Stands } else { Step::Change })
    }
}

/// The group afterwards, but for its times.
fn changed(room: &GroupRoom, patch: &ParsedGroupPatch) -> GroupRoom {
    let description = match &patch.description {
        Patch::Keep => room.description.clone(),
        Patch::Clear => None,
        Patch::Set(text) => Some(GroupDescription::as_str(text).to_owned()),
    };
    GroupRoom {
        name: patch.name.as_ref().map_or(room.name.as_str(), GroupName::as_str).to_owned(),
        description,
        is_private: patch.is_private.unwrap_or(room.is_private),
        max_members: patch.max_members.map_or(room.max_members, MaxMembers::get),
        wide_mentions: patch.wide_mentions.unwrap_or(room.wide_mentions),
        ..room.clone()
    }
}

async fn update(tx: &mut Tx, command: Update) -> Result<Changed<ViewedGroup>, Fault> {
    let before = tx.groups().lock(command.room).await?.ok_or(Code::RoomNotFound)?;
    let of = tx.members().find(command.room, command.by).await?;
    let touched = vec![Aggregate::GroupRoom(command.room)];
    let found = ViewedGroup { room: before, of };
    if command.decide(&found)? == Step::Stands {
        return Ok(Changed::quietly(touched, found));
    }
    let (after, Update { room, by, patch, at }) = (changed(&found.room, &command.patch), command);
    let ParsedGroupPatch { name, description, is_private, max_members, wide_mentions } = patch;
    let patch = GroupPatch { name, description, is_private, max_members, wide_mentions };
    tx.groups().update(room, &patch, at).await?;
    if (&after.name, after.is_private) != (&found.room.name, found.room.is_private) {
        tx.groups().remove_names(room).await?;
        if !after.is_private {
            tx.groups().insert_names(room, &after.name).await?;
        }
    }
    let name = Some(after.name.clone());
    let system = System { kind: SystemKind::RoomUpdated, user: None, by, role: None, name };
    tx.room_events().insert(room, &[system], at).await?;
    tx.outbox().insert(&touched, at).await?;
    Ok(Changed::quietly(touched, ViewedGroup { room: GroupRoom { updated_at: at, ..after }, of }))
}
