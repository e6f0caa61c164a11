use crate::people::{NOON, block, deactivate, join, join_all};
use domain::{DisplayName, Fault, Locale, Patch, Profile, StatusMessage, Timestamp, User, UserId};
use mysql::{AccountPatch, Tx};
use testkit::mysql::Database;
use tokio::task::JoinSet;

const LATER: Timestamp = Timestamp::from_millis(NOON.millis() + 60_000);

async fn patch(tx: &mut Tx, (user, patch): (UserId, AccountPatch)) -> Result<bool, Fault> {
    tx.users().update(user, &patch, LATER).await
}

fn shown(name: &str) -> Patch<DisplayName> {
    Patch::Set(DisplayName::parse(name).unwrap())
}

fn line(text: &str) -> Patch<StatusMessage> {
    Patch::Set(StatusMessage::parse(text).unwrap())
}

/// Someone with every field, before and after a change.
async fn changed(change: AccountPatch) -> (User, User) {
    let database = Database::new().await;
    let user = join(&database.mysql, "tom").await;
    let full = AccountPatch { display_name: shown("Tom"), status_message: line("here"), locale: Some(Locale::Ko) };
    database.mysql.transact((user, full), patch).await.unwrap();
    let before = database.mysql.users().find(user).await.unwrap().unwrap();
    assert!(database.mysql.transact((user, change), patch).await.unwrap());
    (before, database.mysql.users().find(user).await.unwrap().unwrap())
}

#[tokio::test]
async fn display_name_changes_alone() {
    for (name, becomes) in [(shown("톰 🐈"), Some("톰 🐈")), (Patch::Clear, None)] {
        let (before, after) = changed(AccountPatch { display_name: name, ..AccountPatch::default() }).await;
        let display_name = becomes.map(str::to_owned);
        assert_eq!(after, User { profile: Profile { display_name, ..before.profile }, ..before });
    }
}

#[tokio::test]
async fn status_message_changes_alone() {
    for (message, becomes) in [(line("오늘도 화이팅"), Some("오늘도 화이팅")), (Patch::Clear, None)] {
        let (before, after) = changed(AccountPatch { status_message: message, ..AccountPatch::default() }).await;
        let status_message = becomes.map(str::to_owned);
        assert_eq!(after, User { profile: Profile { status_message, ..before.profile }, ..before });
    }
}

#[tokio::test]
async fn language_changes_alone() {
    let (before, after) = changed(AccountPatch { locale: Some(Locale::En), ..AccountPatch::default() }).await;

    assert_eq!(after, User { locale: Locale::En, ..before });
}

#[tokio::test]
async fn account_shows_when_it_changed() {
    let (_, after) = changed(AccountPatch::default()).await;

    assert_eq!((after.created_at, after.updated_at), (NOON, LATER));
}

#[tokio::test]
async fn every_change_of_an_account_raises_its_version() {
    let database = Database::new().await;
    let user = join(&database.mysql, "tom").await;

    for _ in 0..2 {
        database.mysql.transact((user, AccountPatch::default()), patch).await.unwrap();
    }

    assert_eq!(database.mysql.users().find_snapshot(user).await.unwrap().unwrap().person.version, 3);
}

#[tokio::test]
async fn inactive_account_does_not_change() {
    let database = Database::new().await;
    let gone = join(&database.mysql, "gone").await;
    deactivate(&database, gone).await;

    for user in [gone, UserId(gone.0 + 1)] {
        assert!(!database.mysql.transact((user, AccountPatch::default()), patch).await.unwrap(), "{user}");
    }
}

#[tokio::test]
async fn profile_is_hidden_only_from_people_its_owner_blocked() {
    let database = Database::new().await;
    let [owner, blocked, other] = join_all(&database.mysql, ["aa", "bb", "cc"]).await;
    block(&database.mysql, owner, blocked).await;
    block(&database.mysql, other, owner).await;

    for (viewer, sees) in [(blocked, false), (other, true), (owner, true)] {
        let profile = database.mysql.users().find_visible(owner, viewer).await.unwrap();
        assert_eq!(profile.map(|(profile, _)| profile.username), sees.then(|| "aa".to_owned()), "seen by {viewer}");
    }
}

#[tokio::test]
async fn inactive_account_has_no_profile() {
    let database = Database::new().await;
    let [gone, viewer] = join_all(&database.mysql, ["aa", "bb"]).await;
    deactivate(&database, gone).await;

    for user in [gone, UserId(viewer.0 + 1)] {
        assert_eq!(database.mysql.users().find_visible(user, viewer).await.unwrap(), None);
    }
}

#[tokio::test]
async fn password_hash_is_replaced_only_if_unchanged() {
    let database = Database::new().await;
    let user = join(&database.mysql, "tom").await;
    let users = || database.mysql.users();

    assert!(!users().update_password_hash(user, "$ARGON2ID$", "new").await.unwrap());
    assert!(users().update_password_hash(user, "$argon2id$", "new").await.unwrap());

    assert_eq!(users().find_password_hash(user).await.unwrap().as_deref(), Some("new"));
}

#[tokio::test]
async fn one_of_twenty_concurrent_password_changes_wins() {
    let database = Database::new().await;
    let user = join(&database.mysql, "tom").await;
    let mut attempts = JoinSet::new();
    for n in 0..20 {
        let (mysql, new) = (database.mysql.clone(), format!("hash {n}"));
        attempts.spawn(async move {
            let taken = mysql.users().update_password_hash(user, "$argon2id$", &new).await.unwrap();
            taken.then_some(new)
        });
    }

    let taken: Vec<_> = attempts.join_all().await.into_iter().flatten().collect();

    assert_eq!(database.mysql.users().find_password_hash(user).await.unwrap(), taken.first().cloned());
    assert_eq!(taken.len(), 1);
}

#[tokio::test]
async fn inactive_account_has_no_password_hash() {
    let database = Database::new().await;
    let gone = join(&database.mysql, "gone").await;
    deactivate(&database, gone).await;

    assert_eq!(database.mysql.users().find_password_hash(gone).await.unwrap(), None);
}
