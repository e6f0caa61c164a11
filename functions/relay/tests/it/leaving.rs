use crate::leftovers::Leftovers;
use domain::{
    Fault, GroupName, MaxMembers, Membership, MembershipState, Role, RoomId, RoomKey, Seq, SessionId, Timestamp, UserId,
};
use mysql::{NewGroup, NewInvite, Tx};
use std::time::Duration;
use testkit::NOON;

/// A group whose members came one second after the other, the owner first.
#[derive(Debug, Clone)]
struct Group {
    members: Vec<(UserId, Role)>,
}

async fn make(tx: &mut Tx, group: Group) -> Result<RoomId, Fault> {
    let new = NewGroup {
        name: GroupName::parse("등산 모임").unwrap(),
        description: None,
        is_private: false,
        max_members: MaxMembers::default(),
        wide_mentions: domain::WideMentions::Admins,
        members: i32::try_from(group.members.len()).unwrap(),
        by: group.members[0].0,
        at: NOON,
    };
    let room = tx.groups().insert(&new).await?;
    let joined = |n: u64| NOON.plus(Duration::from_secs(n));
    let member = |((user, role), at): ((UserId, Role), Timestamp)| Membership {
        user,
        role,
        state: MembershipState::Active,
        joined_at: at,
    };
    let memberships: Vec<_> = group.members.into_iter().zip((0..).map(joined)).map(member).collect();
    tx.members().insert(room, &memberships, NOON).await?;
    tx.groups().insert_names(room, "등산 모임").await?;
    tx.outbox().insert(&[domain::Aggregate::GroupRoom(room)], NOON).await?;
    Ok(room)
}

impl Leftovers {
    async fn group(&self, members: &[(UserId, Role)]) -> RoomId {
        let room = self.mysql().transact(Group { members: members.to_vec() }, make).await.unwrap();
        self.run().await;
        room
    }

    async fn role(&self, room: RoomId, user: UserId) -> Option<Role> {
        let of = self.mysql().members().find(room, user).await.unwrap();
        of.filter(|of| of.state == MembershipState::Active).map(|of| of.role)
    }

    async fn delete(&self, user: UserId) {
        self.log_in(user).await;
        self.delete_account(user).await.unwrap();
    }

    async fn people<const N: usize>(&self) -> [UserId; N] {
        let mut people = Vec::new();
        for n in 0..N {
            people.push(self.join(&format!("person{n}")).await);
        }
        people.try_into().unwrap()
    }
}

#[tokio::test]
async fn group_passes_to_its_oldest_admin() {
    let left = Leftovers::new().await;
    let [owner, member, first, second] = left.people().await;
    let members = [(owner, Role::Owner), (member, Role::Member), (first, Role::Admin), (second, Role::Admin)];
    let room = left.group(&members).await;
    let version = left.mysql().users().find_snapshot(first).await.unwrap().unwrap().person.version;

    left.connect(first, SessionId::from_bytes([9; 16]), "tablet").await;

    left.delete(owner).await;
    left.run().await;

    let frames = left.pushes.frames("tablet");
    let of_oneself = |frame: &&serde_json::Value| frame["t"] == "member.changed" && frame["d"]["user_id"] == first.0;
    let changed: Vec<_> = frames.iter().filter(of_oneself).collect();
    assert_eq!((changed.len(), &changed[0]["d"]["role"]), (1, &"owner".into()), "{frames:?}");
    let kinds: Vec<_> = frames.iter().filter_map(|frame| frame["d"]["system"]["kind"].as_str()).collect();
    assert_eq!(kinds, ["owner_changed", "member_left"]);
    assert_eq!([left.role(room, owner).await, left.role(room, first).await], [None, Some(Role::Owner)]);
    assert_eq!(left.role(room, second).await, Some(Role::Admin));
    let found = left.mysql().groups().find(room, member).await.unwrap().unwrap();
    assert_eq!(found.room.member_count, 3);
    let rights = left.rights(RoomKey::group(room), first).await.unwrap();
    assert_eq!((rights.role, left.rights(RoomKey::group(room), owner).await), (Role::Owner, None));
    assert_eq!(left.known(first).await.version, version + 1, "the new owner finds it by `user_rev`");
}

#[tokio::test]
async fn group_without_admins_passes_to_its_oldest_member_with_an_account() {
    let left = Leftovers::new().await;
    let [owner, gone, member, newer] = left.people().await;
    let members = [(owner, Role::Owner), (gone, Role::Member), (member, Role::Member), (newer, Role::Member)];
    let room = left.group(&members).await;
    left.deactivate(gone).await;

    left.delete(owner).await;
    left.run().await;

    assert_eq!(left.role(room, member).await, Some(Role::Owner));
}

#[tokio::test]
async fn group_in_which_nobody_else_is_left_is_closed() {
    let left = Leftovers::new().await;
    let [owner, gone] = left.people().await;
    let room = left.group(&[(owner, Role::Owner), (gone, Role::Member)]).await;
    left.deactivate(gone).await;

    left.delete(owner).await;
    left.run().await;

    assert_eq!(left.mysql().groups().find(room, owner).await.unwrap(), None);
    assert_eq!(left.mongo().rooms().list_members(RoomKey::group(room)).await.unwrap(), []);
}

#[tokio::test]
async fn deleted_member_leaves_and_roles_stay() {
    let left = Leftovers::new().await;
    let [owner, admin, member] = left.people().await;
    let room = left.group(&[(owner, Role::Owner), (admin, Role::Admin), (member, Role::Member)]).await;

    left.delete(admin).await;
    left.run().await;

    let roles = [left.role(room, owner).await, left.role(room, admin).await, left.role(room, member).await];
    assert_eq!(roles, [Some(Role::Owner), None, Some(Role::Member)]);
    assert_eq!(left.rights(RoomKey::group(room), admin).await, None);
}

#[tokio::test]
async fn messages_and_cursors_in_groups_are_erased() {
    let left = Leftovers::new().await;
    let [owner, member] = left.people().await;
    let room = left.group(&[(owner, Role::Owner), (member, Role::Member)]).await;
    let key = RoomKey::group(room);
    left.say(key, member, "mine").await.unwrap();
    testkit::mongo::mark(left.mongo(), key, member, Seq(1)).await.unwrap();

    left.delete(member).await;
    left.run().await;
    let report = left.run_later().await;

    assert_eq!((report.erased, report.erasures_failed), (1, 0));
    let own = left.mongo().messages().list_undeleted(member, Timestamp::from_millis(0), 9).await.unwrap();
    assert!(own.is_empty());
    assert_eq!(left.mongo().rooms().list_members(key).await.unwrap(), [owner]);
}

#[tokio::test(flavor = "multi_thread")]
async fn group_has_one_owner_after_twenty_concurrent_runs() {
    let left = Leftovers::new().await;
    let people: [UserId; 8] = left.people().await;
    let mut members: Vec<_> = people.iter().map(|user| (*user, Role::Member)).collect();
    members[0].1 = Role::Owner;
    let room = left.group(&members).await;
    // The successors go as well.
    for (n, user) in people[..3].iter().enumerate() {
        left.execute(&format!("UPDATE users SET password_hash = 'hash{n}' WHERE id = {user}")).await;
        let command = projection::DeleteAccount { user: *user, password_hash: format!("hash{n}"), at: NOON };
        left.projector().delete_account(command).await.unwrap();
    }

    // A slow machine may keep a run from its stores; what it has not done the next one does.
    drop(left.run_at_once().await);
    left.run_later().await;

    let page = left.mysql().members().list(room, &people).await.unwrap();
    let active: Vec<_> = page.iter().filter(|of| of.state == MembershipState::Active).collect();
    assert_eq!(active.iter().filter(|of| of.role == Role::Owner).map(|of| of.user).collect::<Vec<_>>(), [people[3]]);
    assert_eq!(active.len(), 5);
    let found = left.mysql().groups().find(room, people[3]).await.unwrap().unwrap();
    assert_eq!(found.room.member_count, 5);
    assert_eq!(left.mongo().rooms().list_members(RoomKey::group(room)).await.unwrap(), people[3..]);
}

async fn invite(tx: &mut Tx, new: NewInvite) -> Result<(), Fault> {
    tx.invites().insert(&new).await.map(drop)
}

#[tokio::test]
async fn invites_end_with_the_account_of_whoever_made_them() {
    let left = Leftovers::new().await;
    let [owner, admin] = left.people().await;
    let room = left.group(&[(owner, Role::Owner), (admin, Role::Admin)]).await;
    let hash = |by: UserId| format!("{:064x}", by.0);
    for by in [owner, admin] {
        let new = NewInvite { room, by, code_hash: hash(by), expires_at: None, max_uses: None, at: NOON };
        left.mysql().transact(new, invite).await.unwrap();
    }

    left.delete(admin).await;
    left.run().await;

    for (by, is_revoked) in [(owner, false), (admin, true)] {
        let (found, _) = left.mysql().invites().find_by_hash(&hash(by), owner).await.unwrap().unwrap();
        assert_eq!(found.is_revoked, is_revoked, "{by}");
    }
}

#[tokio::test]
async fn members_of_a_group_that_was_closed_without_them_are_erased() {
    let left = Leftovers::new().await;
    let [owner, member] = left.people().await;
    let room = left.group(&[(owner, Role::Owner), (member, Role::Member)]).await;
    left.execute(&format!("UPDATE group_chat_rooms SET is_active = FALSE WHERE id = {room}")).await;

    left.delete(member).await;
    left.run().await;
    let report = left.run_later().await;

    assert_eq!((report.erased, report.erasures_failed), (1, 0));
    assert_eq!([left.role(room, owner).await, left.role(room, member).await], [Some(Role::Owner), None]);
}
