use crate::stores::{NOON, Stores, join};
use domain::{
    Access, Aggregate, Code, Fault, GroupName, MaxMembers, Membership, MembershipState, Rights, Role, RoomId, RoomKey,
    Timestamp, UserId,
};
use mysql::{NewGroup, Tx};
use projection::{Changed, Relayed};

use testkit::{errors, mongo::Profile, statements};
use tokio::task::JoinSet;

const UNTIL: Timestamp = Timestamp::from_millis(NOON.millis() + 60_000);

fn of(user: UserId, role: Role, state: MembershipState) -> Membership {
    Membership { user, role, state, joined_at: NOON }
}

fn member(user: UserId) -> Membership {
    of(user, Role::Member, MembershipState::Active)
}

/// The first of some people makes a group that the others are in.
async fn found(tx: &mut Tx, people: Vec<UserId>) -> Result<Changed<RoomId>, Fault> {
    let mut memberships: Vec<_> = people.iter().map(|user| member(*user)).collect();
    memberships[0].role = Role::Owner;
    tx.users().lock(&people).await?;
    let new = NewGroup {
        name: GroupName::parse("등산").unwrap(),
        description: None,
        is_private: true,
        max_members: MaxMembers::parse(1_000).unwrap(),
        wide_mentions: domain::WideMentions::Admins,
        members: i32::try_from(people.len()).unwrap(),
        by: people[0],
        at: NOON,
    };
    let room = tx.groups().insert(&new).await?;
    tx.members().insert(room, &memberships, NOON).await?;
    let touched = vec![Aggregate::GroupRoom(room)];
    tx.outbox().insert(&touched, NOON).await?;
    Ok(Changed::quietly(touched, room))
}

/// Somebody has another role, or is in the group no more.
async fn change(tx: &mut Tx, (room, of): (RoomId, Membership)) -> Result<Changed<()>, Fault> {
    tx.users().lock(&[of.user]).await?;
    tx.groups().lock(room).await?.ok_or(Code::RoomNotFound)?;
    tx.members().update(room, &of, NOON).await?;
    tx.groups().raise_version(room, 0).await?;
    let touched = vec![Aggregate::GroupRoom(room)];
    tx.outbox().insert(&touched, NOON).await?;
    Ok(Changed::quietly(touched, ()))
}

async fn close(tx: &mut Tx, room: RoomId) -> Result<Changed<()>, Fault> {
    tx.groups().lock(room).await?.ok_or(Code::RoomNotFound)?;
    tx.members().close(room, NOON).await?;
    tx.groups().close(room, NOON).await?;
    let touched = vec![Aggregate::GroupRoom(room)];
    tx.outbox().insert(&touched, NOON).await?;
    Ok(Changed::quietly(touched, ()))
}

/// What somebody may do, as the message path asks: the version and the role.
async fn rights(stores: &Stores, room: RoomId, user: UserId) -> Option<(i64, Role)> {
    let found = stores.projector.mongo.rooms().find_rights(RoomKey::group(room), user).await.unwrap();
    found.map(|Rights { version, role, blocked, .. }| {
        assert!(!blocked, "groups know no blocks");
        (version, role)
    })
}

#[tokio::test]
async fn roles_of_a_group_are_known_when_it_is_answered() {
    let stores = Stores::new().await;
    let [one, two] = stores.pair;

    let room = stores.projector.change(vec![two, one], found).await.unwrap();

    assert_eq!(rights(&stores, room, two).await, Some((1, Role::Owner)));
    assert_eq!(rights(&stores, room, one).await, Some((1, Role::Member)));
    let named = stores.projector.mongo.rooms().find_named(RoomKey::group(room)).await.unwrap().unwrap();
    assert_eq!((named.name.as_deref(), named.members.len()), (Some("등산"), 2));
    assert_eq!(stores.waiting().await, 0);
    stores.projector.change((room, of(one, Role::Admin, MembershipState::Active)), change).await.unwrap();
    assert_eq!(rights(&stores, room, one).await, Some((2, Role::Admin)));
}

#[tokio::test]
async fn former_member_has_no_rights_once_answered() {
    let stores = Stores::new().await;
    let [owner, other] = stores.pair;

    for state in [MembershipState::Left, MembershipState::Kicked, MembershipState::Banned] {
        let room = stores.projector.change(vec![owner, other], found).await.unwrap();
        stores.projector.change((room, of(other, Role::Member, state)), change).await.unwrap();

        assert_eq!(rights(&stores, room, other).await, None, "{state:?}");
        assert_eq!(rights(&stores, room, owner).await, Some((2, Role::Owner)));
        stores.projector.change((room, member(other)), change).await.unwrap();
        assert_eq!(rights(&stores, room, other).await, Some((3, Role::Member)), "back after {state:?}");
    }
}

#[tokio::test]
async fn closed_group_lets_nobody_in() {
    let stores = Stores::new().await;
    let room = stores.projector.change(stores.pair.to_vec(), found).await.unwrap();

    stores.projector.change(room, close).await.unwrap();

    for user in stores.pair {
        assert_eq!(rights(&stores, room, user).await, None);
    }
    assert!(stores.projector.mongo.rooms().list_members(RoomKey::group(room)).await.unwrap().is_empty());
}

#[tokio::test]
async fn group_whose_projection_died_is_relayed() {
    let stores = Stores::new().await;
    let room = stores.mysql().transact(stores.pair.to_vec(), found).await.unwrap().answer;
    assert_eq!((rights(&stores, room, stores.pair[0]).await, stores.waiting().await), (None, 1));

    let relayed = stores.projector.relay(UNTIL).await.unwrap();

    assert_eq!(relayed, Relayed { projected: 1, failed: 0 });
    assert_eq!(rights(&stores, room, stores.pair[0]).await, Some((1, Role::Owner)));
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn group_that_does_not_exist_is_forgotten() {
    let stores = Stores::new().await;
    let ghost = Aggregate::GroupRoom(RoomId(99));
    stores.mysql().transact(vec![ghost], crate::stores::note).await.unwrap();

    stores.projector.project(ghost).await.unwrap();

    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn group_and_private_room_of_one_number_are_apart() {
    let stores = Stores::new().await;
    let private = stores.projector.change(stores.pair, crate::stores::open_room).await.unwrap();
    let third = join(stores.mysql(), "cc").await;
    let group = stores.projector.change(vec![stores.pair[0], third], found).await.unwrap();
    assert_eq!(private, group);

    let private = stores.projector.mongo.rooms().find_rights(RoomKey::private(private), third).await.unwrap();

    assert_eq!((private, rights(&stores, group, stores.pair[1]).await), (None, None));
    assert_eq!(rights(&stores, group, third).await, Some((1, Role::Member)));
}

#[tokio::test]
async fn twenty_changes_of_a_group_at_once_leave_the_newest() {
    let stores = Stores::new().await;
    let [owner, other] = stores.pair;
    let room = stores.projector.change(vec![owner, other], found).await.unwrap();
    let mut changes = JoinSet::new();
    for n in 0..20 {
        let (projector, role) = (stores.projector.clone(), if n % 2 == 0 { Role::Admin } else { Role::Member });
        changes.spawn(async move { projector.change((room, of(other, role, MembershipState::Active)), change).await });
    }

    changes.join_all().await.into_iter().for_each(Result::unwrap);

    let record = stores.mysql().members().find(room, other).await.unwrap().unwrap();
    assert_eq!(rights(&stores, room, other).await, Some((21, record.role)));
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn group_restored_from_backup_is_logged_as_error_and_kept() {
    let stores = Stores::new().await;
    let room = stores.mysql().transact(stores.pair.to_vec(), found).await.unwrap().answer;
    let lost = Access { room: RoomKey::group(room), version: 7, members: Vec::new(), blocked: false };
    stores.projector.mongo.rooms().project(&lost, NOON).await.unwrap();

    let errors = errors(async || stores.projector.project(Aggregate::GroupRoom(room)).await.unwrap()).await;

    assert!(matches!(&errors[..], [error] if error.contains("projected=7 newest=Some(1)")), "{errors:?}");
    assert_eq!(stores.waiting().await, 1);
}

#[tokio::test]
async fn groups_of_2_100_and_1000_are_projected_by_the_same_work() {
    let stores = Stores::new().await;
    let mut people = stores.pair.to_vec();
    people.extend(crowd(&stores, 998).await);
    let mut work = Vec::new();
    let mut profile = Profile::of(&stores.mongo).await;
    for number in [2, 100, 1_000] {
        let room = stores.projector.change(people[..number].to_vec(), found).await.unwrap();
        let last = of(people[number - 1], Role::Admin, MembershipState::Active);
        stores.mysql().transact((room, last), change).await.unwrap();
        profile.fresh().await;

        let told = statements(async || stores.projector.project(Aggregate::GroupRoom(room)).await.unwrap()).await;

        work.push((told.len(), profile.count().await));
        assert_eq!(rights(&stores, room, last.user).await, Some((2, Role::Admin)));
        profile.fresh().await;
    }

    // The snapshot, and the outbox rows that go; one write.
    assert_eq!(work, [(2, 1); 3]);
}

/// People who could not sign up so fast.
async fn crowd(stores: &Stores, number: i32) -> Vec<UserId> {
    let digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
        UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
    let statement = format!(
        "INSERT INTO users (id, email, email_fold, password_hash, username, username_fold, created_at, updated_at)
         SELECT n, CONCAT('p', n), CONCAT('p', n), 'hash', CONCAT('p', n), CONCAT('p', n), NOW(3), NOW(3)
         FROM (SELECT 1000 + a.d + 10 * b.d + 100 * c.d AS n FROM {digits} a, {digits} b, {digits} c) numbers
         WHERE n < 1000 + {number}"
    );
    testkit::mysql::execute(&stores.mysql.url, &statement).await;
    (1_000..1_000 + number).map(UserId).collect()
}
