use domain::{
    Aggregate, Fault, GroupAct, Membership, MembershipState, Role, RoomId, RoomNews, RoomNotice, System, SystemKind,
    Timestamp, UserId,
};
use mysql::Tx;
use projection::Changed;

/// Somebody whose account was deleted leaves a group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leave {
    pub(crate) room: RoomId,
    pub(crate) user: UserId,
    /// Who owns the group next, if it is theirs: read before the locks, which they come after.
    pub(crate) successor: Option<UserId>,
    pub(crate) at: Timestamp,
}

/// Passes the group on, or closes it when nobody is left who could own it. False where somebody else is next by now: nothing was done.
pub(crate) async fn leave(tx: &mut Tx, command: Leave) -> Result<Changed<bool>, Fault> {
    let Leave { room, user, successor, at } = command;
    let people: Vec<_> = [user].into_iter().chain(successor).collect();
    tx.users().lock(&people).await?;
    let group = Aggregate::GroupRoom(room);
    let is_open = tx.groups().lock(room).await?.is_some();
    let of = tx.members().find(room, user).await?;
    let Some(of) = of.filter(|of| of.state == MembershipState::Active) else {
        return Ok(Changed::quietly(vec![group], true));
    };
    let left = Membership { role: Role::Member, state: MembershipState::Left, ..of };
    if !is_open {
        // Without telling anybody. A remaining member of a closed group would be found by each run.
        tx.members().update(room, &left, at).await?;
        return Ok(Changed::quietly(vec![group], true));
    }
    let next = if of.role == Role::Owner { tx.members().find_successor(room, user).await? } else { None };
    if next.as_ref().map(|next| next.user) != successor {
        return Ok(Changed::quietly(Vec::new(), false));
    }
    if of.role == Role::Owner && next.is_none() {
        tx.groups().close(room, at).await?;
        tx.members().close(room, at).await?;
        tx.groups().remove_names(room).await?;
        tx.outbox().insert(&[group], at).await?;
        return Ok(Changed::quietly(vec![group], true));
    }
    let mut told = Vec::new();
    if let Some(next) = next {
        tx.members().update(room, &Membership { role: Role::Owner, ..next }, at).await?;
        told.push(system(SystemKind::OwnerChanged, next.user, user, Some(Role::Owner)));
    }
    tx.members().update(room, &left, at).await?;
    if of.role.may(GroupAct::Invite).is_ok() {
        tx.invites().revoke_of(room, user, at).await?;
    }
    told.push(system(SystemKind::MemberLeft, user, user, None));
    tx.groups().raise_version(room, -1).await?;
    tx.room_events().insert(room, &told, at).await?;
    let concerned: Vec<_> = successor.into_iter().collect();
    tx.users().raise_versions(&concerned).await?;
    let touched: Vec<_> = concerned.iter().copied().map(Aggregate::Person).chain([group]).collect();
    tx.outbox().insert(&touched, at).await?;
    let notice = |to| RoomNotice { to, room, by: user, news: RoomNews::RoleChanged(Role::Owner) };
    let room_notices = concerned.into_iter().map(notice).collect();
    Ok(Changed { room_notices, ..Changed::quietly(touched, true) })
}

fn system(kind: SystemKind, user: UserId, by: UserId, role: Option<Role>) -> System {
    System { kind, user: Some(user), by, role, name: None }
}
