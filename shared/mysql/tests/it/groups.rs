use crate::{
    pages::{every_page, size},
    people::{NOON, join},
};
use domain::{
    Aggregate, Code, Fault, GroupName, MaxMembers, Member, Membership, MembershipState, NameQuery, Patch, Role, RoomId,
    RoomKey, System, SystemKind, UserId, WideMentions, group,
};
use mysql::{GroupPatch, Mysql, NewGroup, Tx};
use std::time::Duration;
use testkit::{mysql::Database, statements};
use tokio::task::JoinSet;

/// Somebody makes a group, at once with some others in it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) by: UserId,
    pub(crate) name: String,
    pub(crate) is_private: bool,
    pub(crate) max_members: i32,
    pub(crate) others: Vec<UserId>,
}

impl Found {
    pub(crate) fn public(by: UserId, name: &str, others: &[UserId]) -> Self {
        Self { by, name: name.to_owned(), is_private: false, max_members: 100, others: others.to_vec() }
    }
}

pub(crate) fn active(user: UserId, role: Role) -> Membership {
    Membership { user, role, state: MembershipState::Active, joined_at: NOON }
}

pub(crate) fn gone(user: UserId, state: MembershipState) -> Membership {
    Membership { state, ..active(user, Role::Member) }
}

async fn found_group(tx: &mut Tx, found: Found) -> Result<RoomId, Fault> {
    let mut memberships = vec![active(found.by, Role::Owner)];
    memberships.extend(found.others.iter().map(|user| active(*user, Role::Member)));
    let people: Vec<_> = memberships.iter().map(|of| of.user).collect();
    tx.users().lock(&people).await?;
    let new = NewGroup {
        name: GroupName::parse(&found.name).unwrap(),
        description: None,
        is_private: found.is_private,
        max_members: MaxMembers::parse(found.max_members).unwrap(),
        wide_mentions: WideMentions::Admins,
        members: i32::try_from(people.len()).unwrap(),
        by: found.by,
        at: NOON,
    };
    let room = tx.groups().insert(&new).await?;
    tx.members().insert(room, &memberships, NOON).await?;
    if !found.is_private {
        tx.groups().insert_names(room, &found.name).await?;
    }
    Ok(room)
}

/// A group that somebody made.
pub(crate) async fn open(mysql: &Mysql, found: Found) -> RoomId {
    mysql.transact(found, found_group).await.unwrap()
}

/// What the lock of a group guards.
pub(crate) async fn change(tx: &mut Tx, (room, of): (RoomId, Membership)) -> Result<(), Fault> {
    tx.users().lock(&[of.user]).await?;
    tx.groups().lock(room).await?.ok_or(Code::RoomNotFound)?;
    tx.members().insert(room, &[of], NOON).await?;
    tx.groups().raise_version(room, 0).await
}

pub(crate) async fn close(tx: &mut Tx, room: RoomId) -> Result<(), Fault> {
    tx.groups().lock(room).await?.ok_or(Code::RoomNotFound)?;
    tx.members().close(room, NOON).await?;
    tx.groups().close(room, NOON).await?;
    tx.groups().remove_names(room).await
}

/// Somebody joins a public group, like a request does.
async fn join_group(tx: &mut Tx, (room, user): (RoomId, UserId)) -> Result<(), Fault> {
    tx.users().lock(&[user]).await?;
    let group = tx.groups().lock(room).await?.ok_or(Code::RoomNotFound)?;
    let of = tx.members().find(room, user).await?;
    if group::join(&group, of.as_ref())? == group::Step::Stands {
        return Ok(());
    }
    tx.members().count_groups(&[user]).await?;
    tx.members().insert(room, &[active(user, Role::Member)], NOON).await?;
    tx.groups().raise_version(room, 1).await?;
    tx.room_events().insert(room, &[happened(SystemKind::MemberJoined, user)], NOON).await?;
    tx.users().raise_versions(&[user]).await?;
    tx.outbox().insert(&[Aggregate::GroupRoom(room), Aggregate::Person(user)], NOON).await
}

pub(crate) fn happened(kind: SystemKind, user: UserId) -> System {
    System { kind, user: Some(user), by: user, role: None, name: None }
}

pub(crate) async fn some(mysql: &Mysql, number: usize) -> Vec<UserId> {
    let mut people = Vec::new();
    for n in 0..number {
        people.push(join(mysql, &format!("person{n}")).await);
    }
    people
}

/// People with the ids from 1 on, faster than they could sign up.
pub(crate) async fn crowd(database: &Database, number: i32) -> Vec<UserId> {
    let digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
        UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
    let statement = format!(
        "INSERT INTO users (id, email, email_fold, password_hash, username, username_fold, created_at, updated_at)
         SELECT n, CONCAT('p', n), CONCAT('p', n), 'hash', CONCAT('p', n), CONCAT('p', n), NOW(3), NOW(3)
         FROM (SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n FROM {digits} a, {digits} b, {digits} c, {digits} e) numbers
         WHERE n <= {number}"
    );
    testkit::mysql::execute(&database.url, &statement).await;
    (1..=number).map(UserId).collect()
}

#[tokio::test]
async fn group_is_found_by_whoever_looks_until_it_is_closed() {
    let database = Database::new().await;
    let (mysql, people) = (&database.mysql, some(&database.mysql, 3).await);
    let room = open(mysql, Found::public(people[0], "서울 등산", &[people[1]])).await;
    let find = async |id, viewer| mysql.groups().find(id, viewer).await.unwrap();

    let seen = find(room, people[1]).await.unwrap();
    let by_stranger = find(room, people[2]).await.unwrap();

    assert_eq!(seen.of, Some(active(people[1], Role::Member)));
    assert_eq!((by_stranger.room, by_stranger.of), (seen.room.clone(), None));
    assert_eq!((seen.room.id, seen.room.name.as_str(), seen.room.is_private), (room, "서울 등산", false));
    assert_eq!((seen.room.max_members, seen.room.member_count), (100, 2));
    assert_eq!((seen.room.description, seen.room.created_at, seen.room.updated_at), (None, NOON, NOON));
    mysql.transact(room, close).await.unwrap();
    assert_eq!((find(room, people[0]).await, find(RoomId(room.0 + 1), people[0]).await), (None, None));
}

#[tokio::test]
async fn only_groups_that_a_person_is_in_are_listed() {
    let database = Database::new().await;
    let (mysql, people) = (&database.mysql, some(&database.mysql, 2).await);
    let mut rooms = Vec::new();
    for others in [&people[1..], &people[1..], &people[1..], &[]] {
        rooms.push(open(mysql, Found::public(people[0], "g", others)).await);
    }
    mysql.transact((rooms[1], gone(people[1], MembershipState::Kicked)), change).await.unwrap();

    rooms.reverse();
    let found = mysql.groups().list(&rooms, people[1]).await.unwrap();

    assert_eq!(found.iter().map(|group| group.room.id).collect::<Vec<_>>(), [rooms[3], rooms[1]]);
    assert!(found.iter().all(|group| group.of == Some(active(people[1], Role::Member))));
    assert_eq!(mysql.groups().list(&[], people[1]).await.unwrap(), []);
}

#[tokio::test]
async fn open_groups_are_listed_by_id_to_everybody() {
    let database = Database::new().await;
    let (mysql, people) = (&database.mysql, some(&database.mysql, 2).await);
    let mut rooms = Vec::new();
    for n in 0..7 {
        let others = if n == 3 { &people[1..] } else { &[] };
        rooms.push(open(mysql, Found { is_private: n == 1, ..Found::public(people[0], "g", others) }).await);
    }
    mysql.transact(rooms[5], close).await.unwrap();

    let found = every_page(async |after| mysql.groups().list_public(people[1], after, size(2)).await).await;

    assert_eq!(
        found.iter().map(|group| (group.room.id, group.of.is_some())).collect::<Vec<_>>(),
        [(rooms[0], false), (rooms[2], false), (rooms[3], true), (rooms[4], false), (rooms[6], false)]
    );
}

/// The names of the groups that are found, a page of two at a time.
async fn search(mysql: &Mysql, text: &str) -> Vec<String> {
    let query = NameQuery::parse(text).unwrap();
    let page = async |after| mysql.groups().search_public(&query, UserId(0), Option::as_ref(&after), size(2)).await;
    every_page(page).await.into_iter().map(|group| group.room.name).collect()
}

#[tokio::test]
async fn open_group_is_found_by_any_word_of_its_name_and_by_initials() {
    let database = Database::new().await;
    let (mysql, people) = (&database.mysql, some(&database.mysql, 1).await);
    for name in ["서울 등산 모임", "Seoul Hikers", "등산", "부산 독서 모임", "모임 모임 모임"] {
        open(mysql, Found::public(people[0], name, &[])).await;
    }
    open(mysql, Found { is_private: true, ..Found::public(people[0], "등산 비밀", &[]) }).await;

    for (text, names) in [
        ("등산", &["등산", "서울 등산 모임"][..]),
        ("ㄷㅅ", &["부산 독서 모임", "등산", "서울 등산 모임"]),
        ("ㅅㅇㄷ", &["서울 등산 모임"]),
        ("HIKE", &["Seoul Hikers"]),
        ("se", &["Seoul Hikers"]),
        ("모", &["서울 등산 모임", "부산 독서 모임", "모임 모임 모임"]),
        ("울", &[]),
    ] {
        let mut found = search(mysql, text).await;
        let mut names = names.to_vec();
        found.sort();
        names.sort_unstable();
        assert_eq!(found, names, "{text}");
    }
}

async fn rename(tx: &mut Tx, (room, name): (RoomId, &str)) -> Result<(), Fault> {
    tx.groups().lock(room).await?.ok_or(Code::RoomNotFound)?;
    let patch = GroupPatch { name: Some(GroupName::parse(name).unwrap()), ..GroupPatch::default() };
    tx.groups().update(room, &patch, NOON.plus(Duration::from_secs(1))).await?;
    tx.groups().remove_names(room).await?;
    tx.groups().insert_names(room, name).await
}

#[tokio::test]
async fn renamed_group_is_found_by_its_new_name_alone() {
    let database = Database::new().await;
    let (mysql, people) = (&database.mysql, some(&database.mysql, 1).await);
    let room = open(mysql, Found::public(people[0], "등산", &[])).await;

    mysql.transact((room, "독서"), rename).await.unwrap();

    assert_eq!((search(mysql, "등산").await, search(mysql, "독서").await), (vec![], vec!["독서".to_owned()]));
    let group = mysql.groups().find(room, people[0]).await.unwrap().unwrap().room;
    assert_eq!((group.name.as_str(), group.updated_at), ("독서", NOON.plus(Duration::from_secs(1))));
}

async fn patch(tx: &mut Tx, (room, patch): (RoomId, GroupPatch)) -> Result<(), Fault> {
    tx.groups().update(room, &patch, NOON).await
}

#[tokio::test]
async fn patch_changes_what_it_names_and_raises_the_version() {
    let database = Database::new().await;
    let (mysql, people) = (&database.mysql, some(&database.mysql, 1).await);
    let room = open(mysql, Found::public(people[0], "등산", &[])).await;
    let version = async || mysql.groups().find_snapshot(room).await.unwrap().unwrap().access.version;
    let group = async || mysql.groups().find(room, people[0]).await.unwrap().unwrap().room;
    let text = domain::GroupDescription::parse("매주 토요일").unwrap();
    let set = GroupPatch {
        description: Patch::Set(text),
        is_private: Some(true),
        max_members: Some(MaxMembers::parse(7).unwrap()),
        wide_mentions: Some(WideMentions::Everyone),
        ..GroupPatch::default()
    };

    mysql.transact((room, set), patch).await.unwrap();
    let changed = group().await;
    mysql.transact((room, GroupPatch { description: Patch::Clear, ..GroupPatch::default() }), patch).await.unwrap();
    let cleared = group().await;

    assert_eq!(
        (changed.name.as_str(), changed.description.as_deref(), changed.is_private, changed.max_members),
        ("등산", Some("매주 토요일"), true, 7)
    );
    assert_eq!((cleared.description, cleared.is_private, version().await), (None, true, 3));
    let snapshot = mysql.groups().find_snapshot(room).await.unwrap().unwrap();
    assert_eq!([changed.wide_mentions, cleared.wide_mentions, snapshot.wide_mentions], [WideMentions::Everyone; 3]);
}

async fn lock(tx: &mut Tx, room: RoomId) -> Result<Option<domain::GroupRoom>, Fault> {
    tx.groups().lock(room).await
}

async fn raise(tx: &mut Tx, (room, more): (RoomId, i32)) -> Result<(), Fault> {
    tx.groups().raise_version(room, more).await
}

#[tokio::test]
async fn version_rises_with_a_change_and_not_with_a_lock() {
    let database = Database::new().await;
    let (mysql, people) = (&database.mysql, some(&database.mysql, 2).await);
    let room = open(mysql, Found::public(people[0], "g", &people[1..])).await;

    let locked = mysql.transact(room, lock).await.unwrap().unwrap();
    let version = mysql.groups().find_snapshot(room).await.unwrap().unwrap().access.version;
    mysql.transact((room, -1), raise).await.unwrap();

    assert_eq!((locked.member_count, version), (2, 1));
    let left = mysql.transact(room, lock).await.unwrap().unwrap();
    assert_eq!(left.member_count, 1);
    assert_eq!(mysql.groups().find_snapshot(room).await.unwrap().unwrap().access.version, 2);
    mysql.transact(room, close).await.unwrap();
    assert_eq!(mysql.transact(room, lock).await.unwrap(), None);
}

async fn note(tx: &mut Tx, (room, happened): (RoomId, Vec<System>)) -> Result<(), Fault> {
    tx.room_events().insert(room, &happened, NOON).await?;
    tx.outbox().insert(&[Aggregate::GroupRoom(room)], NOON).await
}

#[tokio::test]
async fn snapshot_has_rights_events_in_order_and_outbox_rows() {
    let database = Database::new().await;
    let (mysql, people) = (&database.mysql, some(&database.mysql, 4).await);
    let room = open(mysql, Found::public(people[2], "g", &[people[0], people[1], people[3]])).await;
    let other = open(mysql, Found::public(people[0], "h", &[])).await;
    mysql.transact((room, active(people[0], Role::Admin)), change).await.unwrap();
    mysql.transact((room, gone(people[3], MembershipState::Banned)), change).await.unwrap();
    let role = System {
        kind: SystemKind::RoleChanged,
        user: Some(people[0]),
        by: people[2],
        role: Some(Role::Admin),
        name: None,
    };
    let created = System {
        kind: SystemKind::RoomCreated,
        user: None,
        by: people[2],
        role: None,
        name: Some("이름 🎉".to_owned()),
    };
    mysql.transact((room, vec![created.clone(), role.clone()]), note).await.unwrap();
    mysql.transact((other, vec![happened(SystemKind::MemberJoined, people[0])]), note).await.unwrap();
    mysql.transact((room, vec![happened(SystemKind::MemberLeft, people[3])]), note).await.unwrap();

    let snapshot = mysql.groups().find_snapshot(room).await.unwrap().unwrap();

    let roles = [Role::Admin, Role::Member, Role::Owner];
    let members = people.iter().zip(roles).map(|(user, role)| Member { user: *user, role }).collect();
    assert_eq!(snapshot.access, domain::Access { room: RoomKey::group(room), version: 3, members, blocked: false });
    let told: Vec<_> = snapshot.events.iter().map(|event| event.system.clone()).collect();
    assert_eq!(told, [created, role, happened(SystemKind::MemberLeft, people[3])]);
    assert!(snapshot.events.is_sorted_by_key(|event| event.id));
    assert!(snapshot.events.iter().all(|event| (event.room, event.at) == (room, NOON)));
    assert_eq!((snapshot.created_at, snapshot.outbox.len()), (NOON, 2));
    mysql.room_events().remove(&snapshot.events[..2]).await.unwrap();
    mysql.room_events().remove(&[]).await.unwrap();
    mysql.outbox().remove(&snapshot.outbox).await.unwrap();
    let rest = mysql.groups().find_snapshot(room).await.unwrap().unwrap();
    assert_eq!((rest.events, rest.outbox), (snapshot.events[2..].to_vec(), vec![]));
    assert_eq!(mysql.groups().find_snapshot(other).await.unwrap().unwrap().events.len(), 1);
}

#[tokio::test]
async fn closed_group_has_no_members_and_unknown_one_no_snapshot() {
    let database = Database::new().await;
    let (mysql, people) = (&database.mysql, some(&database.mysql, 2).await);
    let room = open(mysql, Found::public(people[0], "등산", &people[1..])).await;

    mysql.transact(room, close).await.unwrap();

    let access = mysql.groups().find_snapshot(room).await.unwrap().unwrap().access;
    assert_eq!((access.version, access.members), (2, vec![]));
    assert_eq!(mysql.groups().find_snapshot(RoomId(room.0 + 1)).await.unwrap(), None);
    assert_eq!(search(mysql, "등산").await, [""; 0]);
    assert_eq!(mysql.members().count_groups(&people).await.unwrap(), []);
}

#[tokio::test]
async fn one_of_fifty_concurrent_joins_takes_the_last_place() {
    let database = Database::new().await;
    let people = crowd(&database, 60).await;
    let found = Found { max_members: 10, ..Found::public(people[0], "g", &people[1..9]) };
    let room = open(&database.mysql, found).await;
    let mut joins = JoinSet::new();
    for user in &people[10..] {
        let (mysql, user) = (database.mysql.clone(), *user);
        joins.spawn(async move { mysql.transact((room, user), join_group).await });
    }

    let refused: Vec<_> = joins.join_all().await.into_iter().filter_map(Result::err).collect();

    assert_eq!(refused.iter().filter(|fault| fault.code == Code::RoomFull).count(), 49, "{refused:?}");
    let snapshot = database.mysql.groups().find_snapshot(room).await.unwrap().unwrap();
    assert_eq!((snapshot.access.members.len(), snapshot.events.len(), snapshot.outbox.len()), (10, 1, 1));
    let group = database.mysql.groups().find(room, people[0]).await.unwrap().unwrap().room;
    assert_eq!((group.member_count, snapshot.access.version), (10, 2));
}

#[tokio::test]
async fn fifty_who_join_and_leave_at_once_are_counted() {
    let database = Database::new().await;
    let people = crowd(&database, 60).await;
    let room = open(&database.mysql, Found::public(people[0], "g", &people[1..30])).await;
    let mut changes = JoinSet::new();
    for (n, user) in people.iter().enumerate().skip(5) {
        let (mysql, user) = (database.mysql.clone(), *user);
        changes.spawn(async move {
            if n < 30 {
                mysql.transact((room, user), leave_group).await
            } else {
                mysql.transact((room, user), join_group).await
            }
        });
    }

    for outcome in changes.join_all().await {
        outcome.unwrap();
    }

    let snapshot = database.mysql.groups().find_snapshot(room).await.unwrap().unwrap();
    let members: Vec<_> = snapshot.access.members.iter().map(|member| member.user).collect();
    assert_eq!(members, [&people[..5], &people[30..]].concat());
    assert_eq!((snapshot.events.len(), snapshot.access.version), (55, 56));
    let group = database.mysql.groups().find(room, people[0]).await.unwrap().unwrap().room;
    assert_eq!(group.member_count, 35);
}

async fn leave_group(tx: &mut Tx, (room, user): (RoomId, UserId)) -> Result<(), Fault> {
    tx.users().lock(&[user]).await?;
    tx.groups().lock(room).await?.ok_or(Code::RoomNotFound)?;
    let of = tx.members().find(room, user).await?;
    if group::leave(of.as_ref())? == group::Step::Stands {
        return Ok(());
    }
    tx.members().update(room, &gone(user, MembershipState::Left), NOON).await?;
    tx.groups().raise_version(room, -1).await?;
    tx.room_events().insert(room, &[happened(SystemKind::MemberLeft, user)], NOON).await
}

/// Those of some people who are not in a group come in, like when they are added.
async fn add(tx: &mut Tx, (room, people): (RoomId, Vec<UserId>)) -> Result<(), Fault> {
    tx.users().lock(&people).await?;
    tx.groups().lock(room).await?.ok_or(Code::RoomNotFound)?;
    let known = tx.members().list(room, &people).await?;
    tx.members().count_groups(&people).await?;
    let new: Vec<_> = people.into_iter().filter(|user| known.iter().all(|of| of.user != *user)).collect();
    let memberships: Vec<_> = new.iter().map(|user| active(*user, Role::Member)).collect();
    tx.members().insert(room, &memberships, NOON).await?;
    tx.groups().raise_version(room, i32::try_from(new.len()).map_err(Fault::internal)?).await?;
    let happened: Vec<_> = new.iter().map(|user| happened(SystemKind::MemberAdded, *user)).collect();
    tx.room_events().insert(room, &happened, NOON).await?;
    tx.users().raise_versions(&new).await
}

#[tokio::test]
async fn overlapping_changes_of_neighbouring_groups_all_commit() {
    let database = Database::new().await;
    let people = crowd(&database, 41).await;
    let mut rooms = Vec::new();
    for _ in 0..4 {
        rooms.push(open(&database.mysql, Found::public(people[0], "g", &[])).await);
    }
    let mut changes = JoinSet::new();
    for n in 0..40 {
        // A step that is prime to their number, so that all come in another order.
        let added = (0..20).map(|k| people[1 + (n * 7 + k * 11) % 40]).collect();
        let (mysql, room) = (database.mysql.clone(), rooms[n % 4]);
        changes.spawn(async move { mysql.transact((room, added), add).await });
    }

    changes.join_all().await.into_iter().for_each(Result::unwrap);

    for room in rooms {
        let group = database.mysql.groups().find(room, people[0]).await.unwrap().unwrap().room;
        let snapshot = database.mysql.groups().find_snapshot(room).await.unwrap().unwrap();
        assert_eq!((group.member_count, snapshot.access.members.len(), snapshot.events.len()), (41, 41, 40));
    }
}

#[tokio::test]
async fn changes_cost_the_same_in_groups_of_2_100_and_1000() {
    let database = Database::new().await;
    let (mysql, people) = (&database.mysql, crowd(&database, 1_001).await);
    let newcomer = *people.last().unwrap();
    let mut counts = Vec::new();
    for number in [2, 100, 999] {
        let found = Found { max_members: 1_000, ..Found::public(people[0], "g", &people[1..number]) };
        let room = open(mysql, found).await;

        let told = statements(async || {
            mysql.groups().find(room, newcomer).await.unwrap();
            mysql.transact((room, newcomer), join_group).await.unwrap();
            mysql.groups().find_snapshot(room).await.unwrap();
            mysql.transact((room, newcomer), leave_group).await.unwrap();
        })
        .await;

        counts.push(told.len());
    }

    // A read; a join with BEGIN and COMMIT; what is projected; a leave.
    assert_eq!(counts, [1 + 11 + 1 + 8; 3]);
}
