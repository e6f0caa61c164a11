use crate::{
    pages::size,
    people::{NOON, someone},
};
use domain::{
    Aggregate, DisplayName, Fault, FriendshipId, FriendshipStatus, GroupDescription, GroupName, Locale, MailKind,
    MaxMembers, Membership, MembershipState, NameQuery, Patch, Picture, PresenceVisibility, PrivacyPatch, Role, RoomId,
    RoomKind, SessionId, StatusMessage, System, SystemKind, UploadId, UserId,
};
use mysql::{AccountPatch, Deletion, Direction, GroupPatch, Mysql, Names, NewGroup, NewInvite, NewMail, Tx, Unmatched};

const ME: UserId = UserId(1);
const OTHER: UserId = UserId(2);
const STRANGER: UserId = UserId(6);
const GROUP: RoomId = RoomId(1);

/// Every method of every repository.
pub(super) async fn make(mysql: &Mysql) {
    users(mysql).await;
    search(mysql).await;
    friendships(mysql).await;
    blocks(mysql).await;
    sessions(mysql).await;
    rooms(mysql).await;
    versions(mysql).await;
    outbox(mysql).await;
    deletions(mysql).await;
    mails(mysql).await;
    mysql.transact((), within).await.unwrap();
}

/// Every method of the repositories of groups.
pub(super) async fn make_of_groups(mysql: &Mysql) {
    groups(mysql).await;
    find_groups(mysql).await;
    members(mysql).await;
    mysql.invites().find_by_hash(&format!("{:064x}", 1), ME).await.unwrap();
    mysql.invites().list(GROUP, None, size(30)).await.unwrap();
    mysql.invites().count(GROUP).await.unwrap();
    let events = mysql.groups().find_snapshot(GROUP).await.unwrap().unwrap().events;
    mysql.room_events().remove(&events).await.unwrap();
    mysql.friendships().list_among(ME, &some()).await.unwrap();
    mysql.transact((), within_groups).await.unwrap();
}

/// Searches of either kind and the list without one, for a first page and for another.
pub(super) async fn find_groups(mysql: &Mysql) {
    for text in ["c", "ㄱ"] {
        let query = NameQuery::parse(text).unwrap();
        let after = (query.prefix.clone(), GROUP);
        for after in [None, Some(&after)] {
            mysql.groups().search_public(&query, ME, after, size(30)).await.unwrap();
        }
    }
    for after in [None, Some(GROUP)] {
        mysql.groups().list_public(ME, after, size(30)).await.unwrap();
    }
}

/// As many as are added at once.
fn some() -> Vec<UserId> {
    (2..52).map(UserId).collect()
}

async fn groups(mysql: &Mysql) {
    let groups = || mysql.groups();
    groups().find(GROUP, ME).await.unwrap();
    groups().list(&[GROUP, RoomId(2)], ME).await.unwrap();
    groups().list(&(1..101).map(RoomId).collect::<Vec<_>>(), ME).await.unwrap();
    groups().find_snapshot(GROUP).await.unwrap();
}

/// The members of the largest group, and the groups of somebody in many.
pub(super) async fn members(mysql: &Mysql) {
    let members = || mysql.members();
    members().find(GROUP, ME).await.unwrap();
    members().list(GROUP, &[ME]).await.unwrap();
    members().list(GROUP, &some()).await.unwrap();
    for state in [MembershipState::Active, MembershipState::Banned] {
        members().page(GROUP, ME, state, Some(OTHER), size(30)).await.unwrap();
    }
    let query = NameQuery::parse("c").unwrap();
    members().search(GROUP, ME, &query, Some(OTHER), size(30)).await.unwrap();
    members().count_groups(&[ME]).await.unwrap();
    members().count_groups(&some()).await.unwrap();
    members().list_groups(ME, Some(GROUP), 100).await.unwrap();
    members().find_successor(GROUP, ME).await.unwrap();
}

async fn within_groups(tx: &mut Tx, (): ()) -> Result<(), Fault> {
    tx.users().lock(&[ME]).await?;
    tx.users().lock(&some()).await?;
    tx.users().raise_versions(&some()).await?;
    tx.groups().lock(GROUP).await?;
    let (name, description) = (GroupName::parse("새 그룹").unwrap(), GroupDescription::parse("about").unwrap());
    let new = NewGroup {
        name: name.clone(),
        description: Some(description.clone()),
        is_private: false,
        max_members: MaxMembers::default(),
        wide_mentions: domain::WideMentions::Admins,
        members: 1,
        by: ME,
        at: NOON,
    };
    let room = tx.groups().insert(&new).await?;
    tx.groups().insert_names(room, "새 그룹").await?;
    let (description, max_members) = (Patch::Set(description), Some(MaxMembers::default()));
    let patch = GroupPatch {
        name: Some(name),
        description,
        is_private: Some(false),
        max_members,
        wide_mentions: Some(domain::WideMentions::Everyone),
    };
    tx.groups().update(room, &patch, NOON).await?;
    tx.groups().update_picture(room, None, NOON).await?;
    tx.groups().raise_version(room, 1).await?;
    let of = Membership { user: ME, role: Role::Owner, state: MembershipState::Active, joined_at: NOON };
    tx.members().insert(room, &[of], NOON).await?;
    tx.members().update(room, &of, NOON).await?;
    let happened = System { kind: SystemKind::RoomCreated, user: None, by: ME, role: None, name: None };
    tx.room_events().insert(room, &[happened], NOON).await?;
    let code_hash = format!("{:064x}", u64::MAX);
    let new = NewInvite { room, by: ME, code_hash, expires_at: None, max_uses: None, at: NOON };
    let invite = tx.invites().insert(&new).await?;
    tx.invites().take(invite, NOON).await?;
    tx.invites().revoke(room, invite, NOON).await?;
    tx.invites().revoke_of(room, ME, NOON).await?;
    tx.members().close(room, NOON).await?;
    tx.groups().close(room, NOON).await?;
    tx.groups().remove_names(room).await?;
    tx.outbox().insert(&[Aggregate::GroupRoom(room)], NOON).await
}

/// Searches of either kind, for a first page and for another.
pub(super) async fn search(mysql: &Mysql) {
    for text in ["c", "ㄱ"] {
        let query = NameQuery::parse(text).unwrap();
        let after = (query.prefix.clone(), ME);
        for after in [None, Some(&after)] {
            mysql.users().search(&query, ME, after, size(30)).await.unwrap();
        }
    }
}

async fn users(mysql: &Mysql) {
    let users = || mysql.users();
    let user = users().insert(someone("newcomer")).await.unwrap().profile;
    users().find(ME).await.unwrap();
    users().find_credentials("p0@example.com", NOON).await.unwrap();
    users().find_password_hash(ME).await.unwrap();
    users().update_password_hash(ME, "hash", "hash").await.unwrap();
    users().find_visible(ME, OTHER).await.unwrap();
    users().list_unnamed(UserId(0), 10).await.unwrap();
    let names = Names { user: user.id, username: Some(user.username), display_name: Some("새 사람".to_owned()) };
    users().insert_names(&[names]).await.unwrap();
    users().list_without_skeleton(UserId(0), 10).await.unwrap();
    users().fill_skeletons(&[Unmatched { user: user.id, username: "newcomer".to_owned() }]).await.unwrap();
    users().remove_display_name(user.id).await.unwrap();
    users().remove_names(user.id).await.unwrap();
    users().is_deleted(ME).await.unwrap();
    users().find_snapshot(ME).await.unwrap();
    users().list_profiles(&[ME, OTHER]).await.unwrap();
}

async fn friendships(mysql: &Mysql) {
    let friendships = || mysql.friendships();
    let asked = friendships().insert(ME, STRANGER, NOON).await.unwrap();
    friendships().find_of(asked.id, ME).await.unwrap();
    friendships().count_most([ME, OTHER]).await.unwrap();
    friendships().find_between([ME, OTHER]).await.unwrap();
    friendships().list_friends(ME, Some(FriendshipId(5_000)), size(30)).await.unwrap();
    for direction in [Direction::Received(NOON), Direction::Sent] {
        friendships().list_requests(ME, direction, None, size(30)).await.unwrap();
    }
    friendships().update(&asked.changed_to(FriendshipStatus::Accepted, STRANGER, NOON)).await.unwrap();
    friendships().list_any(ME, 30).await.unwrap();
    friendships().remove(asked.id).await.unwrap();
    mysql.relations().find(ME, OTHER).await.unwrap();
}

async fn blocks(mysql: &Mysql) {
    let blocks = || mysql.blocks();
    blocks().insert(ME, STRANGER, NOON).await.unwrap();
    blocks().find(ME, STRANGER).await.unwrap();
    blocks().count(ME).await.unwrap();
    blocks().list_between([ME, OTHER]).await.unwrap();
    blocks().list(ME, None, size(30)).await.unwrap();
    blocks().remove(ME, STRANGER).await.unwrap();
    blocks().remove_some(ME, 1).await.unwrap();
}

async fn sessions(mysql: &Mysql) {
    let sessions = || mysql.sessions();
    let id = SessionId(format!("{:032x}", 1));
    sessions().list(ME, None, size(30), NOON).await.unwrap();
    sessions().list_live(ME, NOON).await.unwrap();
    sessions().find_excess(ME, &id, 50, NOON).await.unwrap();
    sessions().rotate(&id, 2, Some("hash"), NOON).await.unwrap();
    sessions().revoke(&id, ME, NOON).await.unwrap();
    sessions().revoke_others(&id, ME, NOON).await.unwrap();
    sessions().revoke_oldest(ME, &(NOON.millis(), id.clone()), &id, NOON).await.unwrap();
    sessions().revoke_of_inactive(ME, NOON).await.unwrap();
    sessions().revoke_all(ME, NOON).await.unwrap();
    sessions().list_ended(ME, NOON).await.unwrap();
    sessions().list_people_with_ended(ME..=UserId(100), NOON).await.unwrap();
    sessions().list_over(NOON, 10).await.unwrap();
    sessions().remove_over(&[(ME, id)], NOON).await.unwrap();
}

async fn rooms(mysql: &Mysql) {
    let rooms = || mysql.private_rooms();
    rooms().find(RoomId(1), ME).await.unwrap();
    rooms().list(&[RoomId(1), RoomId(2)], ME).await.unwrap();
    rooms().find_by_pair([ME, OTHER]).await.unwrap();
    rooms().list_of(ME, Some(RoomId(1)), size(30)).await.unwrap();
    rooms().find_snapshot(RoomId(1)).await.unwrap();
}

async fn versions(mysql: &Mysql) {
    mysql.versions().list_people(ME, 100).await.unwrap();
    for kind in [RoomKind::Private, RoomKind::Group] {
        mysql.versions().list_rooms(kind, RoomId(1), 100).await.unwrap();
        mysql.versions().list_existing(kind, &[RoomId(1), RoomId(2)]).await.unwrap();
    }
}

async fn outbox(mysql: &Mysql) {
    mysql.outbox().list_waiting(&[Aggregate::Person(ME), Aggregate::PrivateRoom(RoomId(1))]).await.unwrap();
    mysql.outbox().list(10, NOON).await.unwrap();
    mysql.outbox().note_try(Aggregate::Person(ME), NOON).await.unwrap();
    let rows = mysql.users().find_snapshot(ME).await.unwrap().unwrap().outbox;
    mysql.outbox().remove(&rows).await.unwrap();
    mysql.outbox().remove(&[rows[0], rows[0]]).await.unwrap();
    mysql.outbox().remove_all(Aggregate::Person(OTHER)).await.unwrap();
    mysql.outbox().find_oldest().await.unwrap();
    mysql.outbox().count().await.unwrap();
}

async fn deletions(mysql: &Mysql) {
    let deletions = || mysql.deletions();
    mysql.transact(STRANGER, delete).await.unwrap();
    deletions().list(10, NOON).await.unwrap();
    let from = deletions().find(STRANGER).await.unwrap().unwrap();
    deletions().note_try(STRANGER, NOON).await.unwrap();
    let to = Deletion { position: 1, ..from };
    deletions().advance(&from, &to).await.unwrap();
    deletions().remove(&to).await.unwrap();
}

async fn delete(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    tx.users().delete(user, "hash", NOON).await?;
    tx.deletions().insert(user, NOON).await
}

async fn mails(mysql: &Mysql) {
    let mails = || mysql.mails();
    let hash = format!("{:064x}", 1);
    let new =
        NewMail { kind: MailKind::ResetPassword, seed: String::new(), token_hash: format!("{:064x}", 0), at: NOON };
    mails().insert("somebody@example.com", &new).await.unwrap();
    let newer = NewMail { token_hash: "f".repeat(64), ..new };
    mails().insert_for_unverified(ME, &newer).await.unwrap();
    mails().find_due(&hash, NOON).await.unwrap();
    let due = mails().list_due(NOON, 10).await.unwrap();
    mails().begin_try(&due[0], NOON).await.unwrap();
    mails().settle(&due[0]).await.unwrap();
    mails().find_owner(MailKind::VerifyEmail, &hash, NOON).await.unwrap();
    mails().remove_expired(NOON, 10).await.unwrap();
    mails().count_waiting().await.unwrap();
}

/// What needs a transaction.
async fn within(tx: &mut Tx, (): ()) -> Result<(), Fault> {
    tx.users().lock_active_pair([ME, OTHER]).await?;
    tx.users().raise_versions(&[ME]).await?;
    tx.users().raise_versions(&[ME, OTHER]).await?;
    let patch = AccountPatch {
        display_name: Patch::Set(DisplayName::parse("나").unwrap()),
        status_message: Patch::Set(StatusMessage::parse("here").unwrap()),
        locale: Some(Locale::Ko),
    };
    tx.users().update(ME, &patch, NOON).await?;
    let picture = Picture { id: UploadId([1; 16]), thumbhash: "hash".to_owned() };
    tx.users().update_avatar(ME, Some(&picture), NOON).await?;
    let privacy = PrivacyPatch { presence_visibility: Some(PresenceVisibility::Nobody), read_receipts: Some(false) };
    tx.settings().update(ME, privacy, NOON).await?;
    tx.settings().remove(OTHER).await?;
    tx.users().verify_email(ME, NOON).await?;
    tx.users().reset_password(ME, "hash", NOON).await?;
    tx.mails().take(MailKind::VerifyEmail, &format!("{:064x}", 1), ME, NOON).await?;
    tx.mails().remove_of(ME, MailKind::VerifyEmail).await?;
    tx.friendships().lock(FriendshipId(1)).await?;
    tx.sessions().lock(&SessionId(format!("{:032x}", 1))).await?;
    let room = tx.private_rooms().insert([ME, STRANGER], NOON).await?;
    tx.private_rooms().lock(room).await?;
    for aggregate in [Aggregate::Person(ME), Aggregate::PrivateRoom(room), Aggregate::GroupRoom(RoomId(1))] {
        tx.versions().raise_above(aggregate, 7).await?;
    }
    tx.private_rooms().lock_of(OTHER, NOON).await?;
    tx.outbox().insert(&[Aggregate::PrivateRoom(room)], NOON).await
}
