use crate::{
    groups::{Found, active, change, crowd, gone, open, some},
    pages::{every_page, size},
    people::{NOON, block, deactivate, join},
    search::sign_up,
};
use domain::{Fault, Membership, MembershipState, NameQuery, Role, RoomId, UserId};
use mysql::{Mysql, Tx};
use std::time::Duration;
use testkit::mysql::Database;

/// Whether the old columns say what the state says.
const TRUE_ROWS: &str =
    "SELECT COUNT(*) FROM group_room_members WHERE is_active = (state = 'active') AND is_active = (left_at IS NULL)";

async fn save(tx: &mut Tx, (room, of): (RoomId, Vec<Membership>)) -> Result<(), Fault> {
    tx.members().insert(room, &of, NOON).await
}

async fn update(tx: &mut Tx, (room, of): (RoomId, Membership)) -> Result<(), Fault> {
    tx.members().update(room, &of, NOON.plus(Duration::from_secs(1))).await
}

#[tokio::test]
async fn former_member_returns_in_the_same_row() {
    let database = Database::new().await;
    let (mysql, people) = (&database.mysql, some(&database.mysql, 3).await);
    let room = open(mysql, Found::public(people[0], "g", &people[1..])).await;
    let pool = sqlx::MySqlPool::connect(&database.url).await.unwrap();
    let back = Membership { joined_at: NOON.plus(Duration::from_secs(9)), ..active(people[1], Role::Member) };

    for of in [gone(people[1], MembershipState::Left), gone(people[2], MembershipState::Kicked), back] {
        mysql.transact((room, of), update).await.unwrap();
        assert_eq!(mysql.members().find(room, of.user).await.unwrap(), Some(of));
        assert_eq!(sqlx::query_scalar::<_, i64>(TRUE_ROWS).fetch_one(&pool).await.unwrap(), 3);
    }
    mysql.transact((room, vec![gone(people[1], MembershipState::Left), back]), save).await.unwrap();

    let all = mysql.members().list(room, &people).await.unwrap();
    assert_eq!(all, [active(people[0], Role::Owner), back, gone(people[2], MembershipState::Kicked)]);
    assert_eq!(mysql.members().list(room, &[]).await.unwrap(), []);
    assert_eq!(mysql.members().find(RoomId(room.0 + 1), people[0]).await.unwrap(), None);
    assert_eq!(sqlx::query_scalar::<_, i64>(TRUE_ROWS).fetch_one(&pool).await.unwrap(), 3);
}

#[tokio::test]
async fn somebody_from_outside_is_banned_by_a_row_of_their_own() {
    let database = Database::new().await;
    let (mysql, people) = (&database.mysql, some(&database.mysql, 2).await);
    let room = open(mysql, Found::public(people[0], "g", &[])).await;
    let banned = gone(people[1], MembershipState::Banned);

    mysql.transact((room, vec![banned]), save).await.unwrap();

    assert_eq!(mysql.members().find(room, people[1]).await.unwrap(), Some(banned));
    assert_eq!(mysql.groups().find_snapshot(room).await.unwrap().unwrap().access.members.len(), 1);
}

async fn users(mysql: &Mysql, room: RoomId, viewer: UserId, state: MembershipState) -> Vec<(UserId, bool)> {
    let page = async |after| mysql.members().page(room, viewer, state, after, size(2)).await;
    every_page(page).await.into_iter().map(|it| (it.membership.user, it.user.is_available)).collect()
}

#[tokio::test]
async fn members_are_paged_by_id_as_the_viewer_sees_them() {
    let database = Database::new().await;
    let (mysql, people) = (&database.mysql, some(&database.mysql, 6).await);
    let room = open(mysql, Found::public(people[5], "g", &people[..5])).await;
    block(mysql, people[1], people[0]).await;
    deactivate(&database, people[2]).await;
    mysql.transact((room, gone(people[3], MembershipState::Left)), change).await.unwrap();
    mysql.transact((room, gone(people[4], MembershipState::Banned)), change).await.unwrap();

    let members = users(mysql, room, people[0], MembershipState::Active).await;
    let banned = users(mysql, room, people[0], MembershipState::Banned).await;

    assert_eq!(members, [(people[0], true), (people[1], false), (people[2], false), (people[5], true)]);
    assert_eq!(banned, [(people[4], true)]);
    let first = mysql.members().page(room, people[0], MembershipState::Active, None, size(1)).await.unwrap();
    assert_eq!((first.items[0].membership, first.items[0].changed_at), (active(people[0], Role::Member), NOON));
    assert_eq!(first.items[0].user.profile.username, "person0");
}

#[tokio::test]
async fn member_is_found_by_either_name_within_the_group() {
    let database = Database::new().await;
    let mysql = &database.mysql;
    let mut people = Vec::new();
    for (name, shown) in [
        ("gildong", Some("홍길동")),
        ("honggi", None),
        ("minji", Some("홍민지")),
        ("hidden", Some("홍숨은")),
        ("gone", Some("홍나간")),
        ("outside", Some("홍바깥")),
        ("closed", Some("홍닫힘")),
        ("viewer", None),
    ] {
        people.push(sign_up(mysql, name, shown).await);
    }
    let viewer = people[7];
    let others = [&people[..5], &people[6..7]].concat();
    let room = open(mysql, Found::public(viewer, "g", &others)).await;
    block(mysql, people[3], viewer).await;
    mysql.transact((room, gone(people[4], MembershipState::Left)), change).await.unwrap();
    deactivate(&database, people[6]).await;
    let found = async |text: &str| {
        let query = NameQuery::parse(text).unwrap();
        let page = async |after| mysql.members().search(room, viewer, &query, after, size(1)).await;
        every_page(page).await.into_iter().map(|it| it.membership.user).collect::<Vec<_>>()
    };

    assert_eq!(found("홍").await, [people[0], people[2]]);
    assert_eq!(found("ㅎㅁ").await, [people[2]]);
    assert_eq!(found("HONG").await, [people[1]]);
    assert_eq!(found("v").await, [viewer]);
    assert_eq!(found("길").await, []);
}

#[tokio::test]
async fn open_groups_of_a_person_are_counted_and_listed() {
    let database = Database::new().await;
    let (mysql, people) = (&database.mysql, some(&database.mysql, 3).await);
    let mut rooms = Vec::new();
    for _ in 0..5 {
        rooms.push(open(mysql, Found::public(people[0], "g", &people[1..2])).await);
    }
    mysql.transact((rooms[1], gone(people[1], MembershipState::Left)), change).await.unwrap();
    mysql.transact(rooms[3], crate::groups::close).await.unwrap();

    let mut counts = mysql.members().count_groups(&people).await.unwrap();
    let listed = mysql.members().list_groups(people[1], None, 2).await.unwrap();
    let rest = mysql.members().list_groups(people[1], Some(listed[1].0), 2).await.unwrap();

    counts.sort_unstable();
    assert_eq!(counts, [(people[0], 4), (people[1], 3)]);
    let member = active(people[1], Role::Member);
    assert_eq!((listed, rest), (vec![(rooms[0], member), (rooms[2], member)], vec![(rooms[4], member)]));
    assert_eq!(mysql.members().count_groups(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn oldest_admin_comes_after_the_owner_and_then_the_oldest_member() {
    let database = Database::new().await;
    let (mysql, people) = (&database.mysql, some(&database.mysql, 6).await);
    let room = open(mysql, Found::public(people[0], "g", &people[1..])).await;
    let since = |seconds| NOON.plus(Duration::from_secs(seconds));
    let of = |n: usize, role, seconds| Membership { joined_at: since(seconds), ..active(people[n], role) };
    let memberships = vec![
        of(1, Role::Member, 9),
        of(2, Role::Member, 1),
        of(3, Role::Admin, 8),
        of(4, Role::Admin, 5),
        Membership { state: MembershipState::Kicked, ..of(5, Role::Admin, 0) },
    ];
    mysql.transact((room, memberships), save).await.unwrap();
    let next = async || mysql.members().find_successor(room, people[0]).await.unwrap().map(|of| of.user);

    assert_eq!(next().await, Some(people[4]));
    deactivate(&database, people[4]).await;
    assert_eq!(next().await, Some(people[3]));
    mysql.transact((room, vec![of(3, Role::Member, 8)]), save).await.unwrap();
    assert_eq!(next().await, Some(people[2]));
    let states = [1, 2, 3, 4].map(|n| gone(people[n], MembershipState::Left));
    mysql.transact((room, states.to_vec()), save).await.unwrap();
    assert_eq!(next().await, None);
}

async fn lock(tx: &mut Tx, ids: Vec<UserId>) -> Result<Vec<UserId>, Fault> {
    tx.users().lock(&ids).await
}

#[tokio::test]
async fn fifty_are_locked_by_one_statement_and_unknown_ones_left_out() {
    let database = Database::new().await;
    let people = crowd(&database, 51).await;
    deactivate(&database, people[3]).await;
    let mut asked: Vec<_> = people.iter().rev().copied().collect();
    asked.push(UserId(900));

    let locked = database.mysql.transact(asked, lock).await.unwrap();

    assert_eq!(locked, [&people[..3], &people[4..]].concat());
    assert_eq!(database.mysql.transact(vec![], lock).await.unwrap(), []);
}

#[tokio::test]
async fn friends_are_told_from_strangers_and_from_those_who_were_asked() {
    let database = Database::new().await;
    let (mysql, people) = (&database.mysql, some(&database.mysql, 4).await);
    let me = join(mysql, "me").await;
    for (one, two, is_accepted) in
        [(me, people[0], true), (people[1], me, true), (me, people[2], false), (people[0], people[3], true)]
    {
        let asked = mysql.friendships().insert(one, two, NOON).await.unwrap();
        if is_accepted {
            let accepted = asked.changed_to(domain::FriendshipStatus::Accepted, two, NOON);
            mysql.friendships().update(&accepted).await.unwrap();
        }
    }

    assert_eq!(mysql.friendships().list_among(me, &people).await.unwrap(), people[..2]);
    assert_eq!(mysql.friendships().list_among(me, &[]).await.unwrap(), []);
}
