use crate::App;
use domain::{
    Aggregate, Code, Fault, GroupAct, GroupRoom, InviteId, MOST_GROUPS, Membership, MembershipState, Removal, Role,
    RoomId, RoomNews, RoomNotice, Step, System, SystemKind, Timestamp, UserId, group,
};
use mysql::{Tx, ViewedGroup};
use projection::Changed;

/// A request that changes who is in a group, or as what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) room: RoomId,
    pub(crate) by: UserId,
    /// Whom it happens to: the same person where somebody joins or leaves.
    pub(crate) of: UserId,
    pub(crate) ask: Ask,
    pub(crate) at: Timestamp,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    Join,
    Accept(InviteId),
    Leave,
    Add,
    Kick,
    Ban,
    Unban,
    SetRole(Role),
    Transfer,
}

/// The group and the person's membership afterwards.
#[derive(Debug, Clone)]
pub(crate) struct Turned {
    pub(crate) room: GroupRoom,
    pub(crate) of: Membership,
    /// Whether something changed.
    pub(crate) step: Step,
}

/// What changes.
struct Change {
    members: Vec<Membership>,
    /// How many more members there are.
    more: i32,
    /// What the group is told; nothing where it does not change for its members.
    told: Option<System>,
}

impl Turn {
    /// Somebody's request about themselves.
    pub(crate) fn of_oneself(room: RoomId, user: UserId, ask: Ask, at: Timestamp) -> Self {
        Self { room, by: user, of: user, ask, at }
    }

    /// Looks, and changes what is to be changed. Whoever is refused, and whoever repeats a request, locks nobody.
    pub(crate) async fn run(self, app: &App) -> Result<Turned, Fault> {
        let found = app.mysql.groups().find(self.room, self.by).await?.ok_or(Code::RoomNotFound)?;
        self.run_in(app, found).await
    }

    /// The same in a group as the person who acts found it.
    pub(crate) async fn run_in(self, app: &App, ViewedGroup { room, of: by }: ViewedGroup) -> Result<Turned, Fault> {
        let of = if self.of == self.by { by } else { app.mysql.members().find(self.room, self.of).await? };
        match (self.decide(&room, by.as_ref(), of.as_ref())?, of) {
            (Step::Stands, Some(of)) => {
                app.catch_up(&self.touched()).await?;
                Ok(Turned { room, of, step: Step::Stands })
            }
            (_, of) => {
                self.admit(app, of.as_ref()).await?;
                app.change(self, take_turn).await
            }
        }
    }

    /// Whether it may be done, and whether it is so already.
    fn decide(&self, room: &GroupRoom, by: Option<&Membership>, of: Option<&Membership>) -> Result<Step, Code> {
        match self.ask {
            Ask::Join => group::see(room, of).and_then(|()| group::join(room, of)),
            Ask::Accept(_) => group::join(room, of),
            Ask::Leave => group::leave(of),
            Ask::Add => group::add(room, group::actor(by)?, of),
            Ask::Kick => group::kick(group::actor(by)?, of),
            Ask::Ban => group::ban(group::actor(by)?, of),
            Ask::Unban => group::unban(group::actor(by)?, of),
            Ask::SetRole(role) => group::set_role(group::actor(by)?, of, role),
            Ask::Transfer => group::transfer(group::actor(by)?, of),
        }
    }

    const fn is_entry(&self) -> bool {
        matches!(self.ask, Ask::Join | Ask::Accept(_) | Ask::Add)
    }

    /// Refuses what the person is, not the group: read without a lock, to be read again under the locks.
    async fn admit(&self, app: &App, of: Option<&Membership>) -> Result<(), Fault> {
        if self.ask == Ask::Ban && of.is_none() {
            // Deleted and unavailable accounts may be banned as well, so that the answer reveals nothing.
            app.mysql.relations().find(self.by, self.of).await?.ok_or(Code::UserNotFound)?;
        }
        if self.ask == Ask::Add {
            let relation = app.mysql.relations().find(self.by, self.of).await?;
            let relation = relation.filter(|it| it.is_available).ok_or(Code::UserNotFound)?;
            if !relation.is_friend {
                return Err(Code::NotFriends.into());
            }
        }
        if self.is_entry() { refuse_crowded(&app.mysql.members().count_groups(&[self.of]).await?) } else { Ok(()) }
    }

    /// The same under the locks, with the accounts that are active.
    async fn admit_locked(&self, tx: &mut Tx, active: &[UserId]) -> Result<(), Fault> {
        if !self.is_entry() {
            return Ok(());
        }
        if self.ask == Ask::Add {
            admit_friends(tx, self.by, &[self.of], active).await?;
        } else if !active.contains(&self.of) {
            return Err(Code::Unauthenticated.into());
        }
        refuse_crowded(&tx.members().count_groups(&[self.of]).await?)
    }

    /// Who has another membership afterwards.
    fn concerned(&self) -> Vec<UserId> {
        if self.ask == Ask::Transfer { vec![self.by, self.of] } else { vec![self.of] }
    }

    fn touched(&self) -> Vec<Aggregate> {
        let people = self.concerned().into_iter().map(Aggregate::Person);
        [Aggregate::GroupRoom(self.room)].into_iter().chain(people).collect()
    }

    /// Who is told of their own place in the group.
    fn notices(&self, room: &GroupRoom, members: &[Membership]) -> Vec<RoomNotice> {
        let news = |of: &Membership| match self.ask {
            Ask::Join | Ask::Accept(_) | Ask::Add => RoomNews::Added { name: room.name.clone(), role: of.role },
            Ask::Leave => RoomNews::Removed(Removal::Left),
            Ask::Kick | Ask::Unban => RoomNews::Removed(Removal::Kicked),
            Ask::Ban => RoomNews::Removed(Removal::Banned),
            Ask::SetRole(_) | Ask::Transfer => RoomNews::RoleChanged(of.role),
        };
        members.iter().map(|of| RoomNotice { to: of.user, room: self.room, by: self.by, news: news(of) }).collect()
    }

    fn change(&self, by: Option<&Membership>, of: Option<&Membership>) -> Change {
        let outside = MembershipState::Left;
        let new = Membership { user: self.of, role: Role::Member, state: outside, joined_at: self.at };
        let was = of.copied().unwrap_or(new);
        let out = |state| (Membership { role: Role::Member, state, ..was }, -1);
        let with = |role| (Membership { role, ..was }, 0);
        let entered = (Membership { state: MembershipState::Active, ..new }, 1);
        let ((member, more), kind) = match self.ask {
            Ask::Join | Ask::Accept(_) => (entered, Some(SystemKind::MemberJoined)),
            Ask::Add => (entered, Some(SystemKind::MemberAdded)),
            Ask::Leave => (out(MembershipState::Left), Some(SystemKind::MemberLeft)),
            Ask::Kick => (out(MembershipState::Kicked), Some(SystemKind::MemberKicked)),
            Ask::Ban if was.state == MembershipState::Active => {
                (out(MembershipState::Banned), Some(SystemKind::MemberBanned))
            }
            Ask::Ban => ((Membership { state: MembershipState::Banned, ..was }, 0), None),
            Ask::Unban => ((Membership { state: MembershipState::Kicked, ..was }, 0), None),
            Ask::SetRole(role) => (with(role), Some(SystemKind::RoleChanged)),
            Ask::Transfer => (with(Role::Owner), Some(SystemKind::OwnerChanged)),
        };
        let mut members = vec![member];
        if self.ask == Ask::Transfer {
            members.extend(by.map(|owner| Membership { role: Role::Admin, ..*owner }));
        }
        let told = kind.map(|kind| System {
            kind,
            user: Some(self.of),
            by: self.by,
            role: matches!(self.ask, Ask::SetRole(_) | Ask::Transfer).then_some(member.role),
            name: None,
        });
        Change { members, more, told }
    }
}

async fn take_turn(tx: &mut Tx, turn: Turn) -> Result<Changed<Turned>, Fault> {
    let active = tx.users().lock(&turn.concerned()).await?;
    let mut room = tx.groups().lock(turn.room).await?.ok_or(Code::RoomNotFound)?;
    let known = tx.members().list(turn.room, &[turn.by, turn.of]).await?;
    let find = |user| known.iter().find(|member| member.user == user);
    let (by, of) = (find(turn.by), find(turn.of));
    if let (Step::Stands, Some(of)) = (turn.decide(&room, by, of)?, of) {
        return Ok(Changed::quietly(turn.touched(), Turned { room, of: *of, step: Step::Stands }));
    }
    turn.admit_locked(tx, &active).await?;
    if let Ask::Accept(invite) = turn.ask
        && !tx.invites().take(invite, turn.at).await?
    {
        return Err(Code::InviteNotFound.into());
    }
    let Change { members, more, told } = turn.change(by, of);
    if of.is_some() {
        // An insert would burn an id each time.
        for member in &members {
            tx.members().update(turn.room, member, turn.at).await?;
        }
    } else {
        tx.members().insert(turn.room, &members, turn.at).await?;
    }
    if of.is_some_and(|was| may_invite(was) && !may_invite(&members[0])) {
        tx.invites().revoke_of(turn.room, turn.of, turn.at).await?;
    }
    let answer = |room, step| Turned { room, of: members[0], step };
    let Some(system) = told else { return Ok(Changed::quietly(Vec::new(), answer(room, Step::Change))) };
    let (touched, room_notices) = (turn.touched(), turn.notices(&room, &members));
    tx.groups().raise_version(turn.room, more).await?;
    tx.room_events().insert(turn.room, &[system], turn.at).await?;
    tx.users().raise_versions(&turn.concerned()).await?;
    tx.outbox().insert(&touched, turn.at).await?;
    room.member_count += more;
    Ok(Changed { touched, notices: Vec::new(), room_notices, answer: answer(room, Step::Change) })
}

/// Nobody keeps a role who is not in the group.
fn may_invite(of: &Membership) -> bool {
    of.role.may(GroupAct::Invite).is_ok()
}

/// Refuses to add anybody whose account is not active, or who is no friend, or blocks the person who adds them.
pub(crate) async fn admit_friends(tx: &mut Tx, by: UserId, others: &[UserId], active: &[UserId]) -> Result<(), Fault> {
    if others.iter().any(|other| !active.contains(other)) {
        return Err(Code::UserNotFound.into());
    }
    let friends = tx.friendships().list_among(by, others).await?;
    let Some(stranger) = others.iter().find(|other| !friends.contains(other)) else { return Ok(()) };
    let is_blocked = tx.blocks().list_between([by, *stranger]).await?.contains(stranger);
    Err(if is_blocked { Code::UserNotFound } else { Code::NotFriends }.into())
}

/// Refuses people of whom one is in as many groups as possible.
pub(crate) fn refuse_crowded(groups: &[(UserId, i64)]) -> Result<(), Fault> {
    let is_crowded = groups.iter().any(|(_, groups)| *groups >= MOST_GROUPS);
    if is_crowded { Err(Code::TooManyGroups.into()) } else { Ok(()) }
}
