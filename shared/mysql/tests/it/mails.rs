use crate::people::{NOON, deactivate, join, join_all, someone};
use domain::{Fault, MailKind, Timestamp, UserId};
use mysql::{Mysql, NewMail, Tx};
use std::time::Duration;
use testkit::mysql::Database;
use tokio::task::JoinSet;

const TOM: &str = "tom@example.com";
const RESET: MailKind = MailKind::ResetPassword;
const VERIFY: MailKind = MailKind::VerifyEmail;

fn mail(kind: MailKind, letter: char) -> NewMail {
    let text = |letter: char| letter.to_string().repeat(64);
    NewMail { kind, seed: text('0'), token_hash: text(letter), at: NOON }
}

fn hash(letter: char) -> String {
    mail(RESET, letter).token_hash
}

async fn owner(mysql: &Mysql, kind: MailKind, letter: char, at: Timestamp) -> Option<UserId> {
    mysql.mails().find_owner(kind, &hash(letter), at).await.unwrap()
}

/// Locks the account and uses a token up, as every change by a token does.
async fn take(tx: &mut Tx, (user, letter, at): (UserId, char, Timestamp)) -> Result<bool, Fault> {
    Ok(tx.users().reset_password(user, "new", at).await? && tx.mails().take(RESET, &hash(letter), user, at).await?)
}

#[tokio::test]
async fn mail_knows_its_reader_as_of_now() {
    let database = Database::new().await;
    let tom = join(&database.mysql, "tom").await;
    let mails = || database.mysql.mails();
    mails().insert(TOM, &mail(RESET, 'a')).await.unwrap();
    mails().insert("nobody@example.com", &mail(RESET, 'b')).await.unwrap();

    let found = mails().find_due(&hash('a'), NOON).await.unwrap().unwrap();

    let recipient = found.recipient.clone().unwrap();
    assert_eq!((recipient.user, recipient.address.as_str(), recipient.is_verified), (tom, TOM, false));
    assert_eq!((found.kind, found.tries, found.expires_at), (RESET, 0, NOON.plus(Duration::from_hours(1))));
    assert_eq!(mails().find_due(&hash('b'), NOON).await.unwrap().unwrap().recipient, None);
    deactivate(&database, tom).await;
    assert_eq!(mails().find_due(&hash('a'), NOON).await.unwrap().unwrap().recipient, None);
}

#[tokio::test]
async fn one_address_has_one_mail_of_each_kind() {
    let database = Database::new().await;
    let tom = join(&database.mysql, "tom").await;
    for (kind, letter) in [(RESET, 'a'), (VERIFY, 'b'), (RESET, 'c')] {
        database.mysql.mails().insert(TOM, &mail(kind, letter)).await.unwrap();
    }

    assert_eq!(owner(&database.mysql, RESET, 'a', NOON).await, None);
    assert_eq!(owner(&database.mysql, VERIFY, 'b', NOON).await, Some(tom));
    assert_eq!(owner(&database.mysql, RESET, 'c', NOON).await, Some(tom));
    assert_eq!(database.mysql.mails().count_waiting().await.unwrap(), 2);
}

#[tokio::test]
async fn token_is_of_one_kind_one_address_and_one_time() {
    let database = Database::new().await;
    let tom = join(&database.mysql, "tom").await;
    let eve = join(&database.mysql, "eve").await;
    database.mysql.mails().insert(TOM, &mail(RESET, 'a')).await.unwrap();

    assert_eq!(owner(&database.mysql, VERIFY, 'a', NOON).await, None);
    assert_eq!(owner(&database.mysql, RESET, 'a', NOON.plus(Duration::from_hours(1))).await, None);
    assert!(!database.mysql.transact((eve, 'a', NOON), take).await.unwrap());
    assert!(!database.mysql.transact((tom, 'a', NOON.plus(Duration::from_hours(1))), take).await.unwrap());
    assert!(database.mysql.transact((tom, 'a', NOON), take).await.unwrap());
    assert!(!database.mysql.transact((tom, 'a', NOON), take).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_twenty_concurrent_uses_takes_the_token() {
    let database = Database::new().await;
    let tom = join(&database.mysql, "tom").await;
    database.mysql.mails().insert(TOM, &mail(RESET, 'a')).await.unwrap();
    let mut uses = JoinSet::new();
    for _ in 0..20 {
        let mysql = database.mysql.clone();
        uses.spawn(async move { mysql.transact((tom, 'a', NOON), take).await.unwrap() });
    }

    assert_eq!(uses.join_all().await.into_iter().filter(|&won| won).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_concurrent_requests_leave_one_mail() {
    let database = Database::new().await;
    join(&database.mysql, "tom").await;
    let mut requests = JoinSet::new();
    for n in 0..20 {
        let mysql = database.mysql.clone();
        let letter = char::from_digit(n, 36).unwrap();
        requests.spawn(async move { mysql.mails().insert(TOM, &mail(RESET, letter)).await });
    }

    let outcomes = requests.join_all().await;

    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(database.mysql.mails().count_waiting().await.unwrap(), 1);
}

#[tokio::test]
async fn only_an_unverified_account_is_asked_to_verify() {
    let database = Database::new().await;
    let [tom, eve, gone] = join_all(&database.mysql, ["tom", "eve", "gone"]).await;
    deactivate(&database, gone).await;
    database.mysql.transact(eve, async |tx: &mut Tx, id| tx.users().verify_email(id, NOON).await).await.unwrap();

    for (user, letter) in [(tom, 'a'), (eve, 'b'), (gone, 'c')] {
        database.mysql.mails().insert_for_unverified(user, &mail(VERIFY, letter)).await.unwrap();
    }

    assert_eq!(owner(&database.mysql, VERIFY, 'a', NOON).await, Some(tom));
    assert_eq!(database.mysql.mails().count_waiting().await.unwrap(), 1);
}

#[tokio::test]
async fn one_sender_at_a_time_tries_a_mail() {
    let database = Database::new().await;
    join(&database.mysql, "tom").await;
    let mails = || database.mysql.mails();
    mails().insert(TOM, &mail(RESET, 'a')).await.unwrap();
    let (found, next) = (mails().list_due(NOON, 10).await.unwrap().remove(0), NOON.plus(Duration::from_secs(30)));

    assert!(mails().begin_try(&found, next).await.unwrap());
    assert!(!mails().begin_try(&found, next).await.unwrap());

    assert_eq!(mails().list_due(NOON, 10).await.unwrap(), []);
    assert_eq!(mails().list_due(next, 10).await.unwrap()[0].tries, 1);
    mails().settle(&found).await.unwrap();
    assert_eq!(mails().list_due(next, 10).await.unwrap(), []);
}

#[tokio::test]
async fn mails_of_other_kinds_are_left_alone() {
    let database = Database::new().await;
    database.mysql.mails().insert(TOM, &mail(RESET, 'a')).await.unwrap();
    testkit::mysql::execute(&database.url, "UPDATE mails SET kind = 'newer'").await;

    assert_eq!(database.mysql.mails().list_due(NOON, 10).await.unwrap(), []);
}

#[tokio::test]
async fn verified_address_stays_verified_since_then() {
    let database = Database::new().await;
    let tom = database.mysql.users().insert(someone("tom")).await.unwrap();
    let (id, later) = (tom.profile.id, NOON.plus(Duration::from_mins(1)));
    assert!(!tom.email_verified);

    for at in [NOON, later] {
        let verify = async |tx: &mut Tx, at| tx.users().verify_email(id, at).await;
        assert!(database.mysql.transact(at, verify).await.unwrap());
    }

    let found = database.mysql.users().find(id).await.unwrap().unwrap();
    assert_eq!((found.email_verified, found.updated_at), (true, later));
    deactivate(&database, id).await;
    assert!(!database.mysql.transact((id, 'a', NOON), take).await.unwrap());
}
