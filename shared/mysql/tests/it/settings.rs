use crate::people::{NOON, join};
use domain::{Fault, PresenceVisibility, Privacy, PrivacyPatch, UserId};
use mysql::{Mysql, Tx};
use testkit::mysql::Database;
use tokio::task::JoinSet;

async fn set(tx: &mut Tx, (user, patch): (UserId, PrivacyPatch)) -> Result<(), Fault> {
    tx.users().lock(&[user]).await?;
    tx.settings().update(user, patch, NOON).await
}

/// What an account and what is projected of it say.
async fn privacy(mysql: &Mysql, user: UserId) -> [Privacy; 2] {
    let account = mysql.users().find(user).await.unwrap().unwrap();
    let snapshot = mysql.users().find_snapshot(user).await.unwrap().unwrap();
    [account.privacy, snapshot.person.privacy]
}

const NOBODY: PrivacyPatch =
    PrivacyPatch { presence_visibility: Some(PresenceVisibility::Nobody), read_receipts: None };
const UNREAD: PrivacyPatch = PrivacyPatch { presence_visibility: None, read_receipts: Some(false) };

#[tokio::test]
async fn user_without_settings_has_the_defaults() {
    let database = Database::new().await;
    let user = join(&database.mysql, "tom").await;

    assert_eq!(privacy(&database.mysql, user).await, [Privacy::default(); 2]);
    database.mysql.transact((user, PrivacyPatch::default()), set).await.unwrap();
    assert_eq!(privacy(&database.mysql, user).await, [Privacy::default(); 2]);
}

#[tokio::test]
async fn each_setting_changes_alone() {
    let database = Database::new().await;
    let (mysql, user) = (&database.mysql, join(&database.mysql, "tom").await);
    let presence_visibility = PresenceVisibility::Nobody;

    mysql.transact((user, NOBODY), set).await.unwrap();
    assert_eq!(privacy(mysql, user).await, [Privacy { presence_visibility, read_receipts: true }; 2]);
    mysql.transact((user, UNREAD), set).await.unwrap();
    assert_eq!(privacy(mysql, user).await, [Privacy { presence_visibility, read_receipts: false }; 2]);

    mysql.settings().remove(user).await.unwrap();
    assert_eq!(privacy(mysql, user).await, [Privacy::default(); 2]);
}

#[tokio::test]
async fn twenty_concurrent_first_changes_are_all_kept() {
    let database = Database::new().await;
    let user = join(&database.mysql, "tom").await;
    let mut changes = JoinSet::new();
    for n in 0..20 {
        let (mysql, patch) = (database.mysql.clone(), if n % 2 == 0 { NOBODY } else { UNREAD });
        changes.spawn(async move { mysql.transact((user, patch), set).await });
    }

    for change in changes.join_all().await {
        change.unwrap();
    }

    let both = Privacy { presence_visibility: PresenceVisibility::Nobody, read_receipts: false };
    assert_eq!(privacy(&database.mysql, user).await, [both; 2]);
}
