use crate::{
    App,
    turn::{admit_friends, refuse_crowded},
    view::show_changed,
};
use axum::extract::State;
use contract::{GroupRoomView, NewGroupRoom, ParsedGroup};
use domain::{
    Aggregate, Code, Fault, GroupRoom, Membership, MembershipState, Role, RoomNews, RoomNotice, System, SystemKind,
    Timestamp, UserId,
};
use mongo::Bucket;
use mysql::{NewGroup, Tx};
use projection::Changed;
use tracing::instrument;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Created, Json, StoreProblems};

web::problems!(CreateProblems: NotFriends, UserNotFound, RoomFull, TooManyGroups);

/// Makes a group.
///
/// The caller is its owner. Groups are limited by the hour.
#[utoipa::path(
    post, path = "/group-rooms", operation_id = "create_group_room", tag = "group-rooms", security(("bearer" = [])),
    request_body = NewGroupRoom,
    responses(
        (status = 201, description = "The new group.", body = GroupRoomView),
        CreateProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn create_group_room(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewGroupRoom>,
) -> ApiResult<Created<GroupRoomView>> {
    let command = MakeGroup { by: caller.id, group: new.parse(caller.id)?, at: app.clock.now() };
    command.admit(&app, &caller).await?;
    let (room, owner) = app.change(command, make_group).await?;
    Ok(Created(show_changed(&app, room, owner).await?))
}

#[derive(Debug, Clone)]
struct MakeGroup {
    by: UserId,
    group: ParsedGroup,
    at: Timestamp,
}

impl MakeGroup {
    /// How many members it has from the beginning.
    fn size(&self) -> i32 {
        i32::try_from(self.group.members.len()).unwrap_or(i32::MAX).saturating_add(1)
    }

    fn everybody(&self) -> Vec<UserId> {
        [self.by].into_iter().chain(self.group.members.iter().copied()).collect()
    }

    /// Refuses what is refused, without a lock, before it takes one of the groups that the caller may make.
    async fn admit(&self, app: &App, caller: &Caller) -> Result<(), Fault> {
        let (mysql, others) = (&app.mysql, &self.group.members);
        if self.size() > self.group.max_members.get() {
            return Err(Code::RoomFull.into());
        }
        let friends = mysql.friendships().list_among(self.by, others).await?;
        let profiles = mysql.users().list_profiles(others).await?;
        if let Some(other) = others.iter().find(|other| !friends.contains(other)) {
            let relation = mysql.relations().find(self.by, *other).await?;
            let is_available = relation.is_some_and(|it| it.is_available);
            return Err(if is_available { Code::NotFriends } else { Code::UserNotFound }.into());
        }
        if profiles.len() < others.len() {
            return Err(Code::UserNotFound.into());
        }
        refuse_crowded(&mysql.members().count_groups(&self.everybody()).await?)?;
        let (gates, limit) = (app.mongo.gates(), app.backend.limits.new_rooms);
        gates.pass(self.by, &caller.session, Bucket::NewRooms, limit).await?.admit()
    }
}

async fn make_group(tx: &mut Tx, command: MakeGroup) -> Result<Changed<(GroupRoom, Membership)>, Fault> {
    let (everybody, members, at) = (command.everybody(), command.size(), command.at);
    let ParsedGroup { name, description, is_private, max_members, wide_mentions, members: others } = command.group;
    let by = command.by;
    let active = tx.users().lock(&everybody).await?;
    if !active.contains(&by) {
        return Err(Code::Unauthenticated.into());
    }
    admit_friends(tx, by, &others, &active).await?;
    refuse_crowded(&tx.members().count_groups(&everybody).await?)?;
    let new = NewGroup { name, description, is_private, max_members, wide_mentions, members, by, at };
    let room = tx.groups().insert(&new).await?;
    let owner = Membership { user: by, role: Role::Owner, state: MembershipState::Active, joined_at: at };
    let memberships: Vec<_> = [owner]
        .into_iter()
        .chain(others.into_iter().map(|user| Membership { user, role: Role::Member, ..owner }))
        .collect();
    tx.members().insert(room, &memberships, at).await?;
    let NewGroup { name, description, .. } = new;
    if !is_private {
        tx.groups().insert_names(room, name.as_str()).await?;
    }
    let name = name.as_str().to_owned();
    let system = System { kind: SystemKind::RoomCreated, user: None, by, role: None, name: Some(name.clone()) };
    tx.room_events().insert(room, &[system], at).await?;
    let mut touched = vec![Aggregate::GroupRoom(room)];
    touched.extend(everybody.iter().copied().map(Aggregate::Person));
    tx.users().raise_versions(&everybody).await?;
    tx.outbox().insert(&touched, at).await?;
    let group = GroupRoom {
        id: room,
        name,
        description: description.map(|text| text.as_str().to_owned()),
        is_private,
        max_members: max_members.get(),
        wide_mentions,
        member_count: members,
        picture: None,
        created_at: at,
        updated_at: at,
    };
    let added = |of: &Membership| {
        let news = RoomNews::Added { name: group.name.clone(), role: of.role };
        RoomNotice { to: of.user, room, by, news }
    };
    let room_notices = memberships.iter().map(added).collect();
    Ok(Changed { touched, notices: Vec::new(), room_notices, answer: (group, owner) })
}
