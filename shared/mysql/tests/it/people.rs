use domain::{Code, DisplayName, Email, Locale, Timestamp, User, UserId, Username};
use mysql::{Mysql, NewUser};
use testkit::mysql::Database;
use tokio::task::JoinSet;

pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_123);

pub(crate) fn someone(name: &str) -> NewUser {
    NewUser {
        email: Email::parse(&format!("{name}@example.com")).unwrap(),
        username: Username::parse(name).unwrap(),
        display_name: None,
        password_hash: "$argon2id$".to_owned(),
        locale: Locale::Ko,
        at: NOON,
    }
}

pub(crate) async fn join(mysql: &Mysql, name: &str) -> UserId {
    mysql.users().insert(someone(name)).await.unwrap().profile.id
}

pub(crate) async fn join_all<const N: usize>(mysql: &Mysql, names: [&str; N]) -> [UserId; N] {
    let mut ids = [UserId(0); N];
    for (id, name) in ids.iter_mut().zip(names) {
        *id = join(mysql, name).await;
    }
    ids
}

pub(crate) async fn deactivate(database: &Database, id: UserId) {
    testkit::mysql::execute(&database.url, &format!("UPDATE users SET is_active = FALSE WHERE id = {id}")).await;
}

pub(crate) async fn block(mysql: &Mysql, by: UserId, blocked: UserId) {
    mysql.blocks().insert(by, blocked, NOON).await.unwrap();
}

#[tokio::test]
async fn new_account_is_found_as_registered() {
    let database = Database::new().await;
    let new = NewUser { display_name: Some(DisplayName::parse("길동 🐯").unwrap()), ..someone("홍길동") };

    let inserted: User = database.mysql.users().insert(new).await.unwrap();

    assert_eq!(database.mysql.users().find(inserted.profile.id).await.unwrap(), Some(inserted));
}

#[tokio::test]
async fn unknown_and_inactive_ids_find_nobody() {
    let database = Database::new().await;
    let gone = join(&database.mysql, "gone").await;
    deactivate(&database, gone).await;

    assert_eq!(database.mysql.users().find(gone).await.unwrap(), None);
    assert_eq!(database.mysql.users().find(UserId(gone.0 + 1)).await.unwrap(), None);
    assert_eq!(database.mysql.users().list_profiles(&[gone, UserId(-1)]).await.unwrap(), []);
}

#[tokio::test]
async fn email_is_taken_in_any_case() {
    let database = Database::new().await;
    join(&database.mysql, "tom").await;
    let again = NewUser { email: Email::parse("TOM@example.COM").unwrap(), ..someone("other") };

    let fault = database.mysql.users().insert(again).await.unwrap_err();

    assert_eq!(fault.code, Code::EmailTaken);
    assert!(fault.source.is_none(), "the driver's words hold the address");
}

#[tokio::test]
async fn username_is_taken_in_any_case_and_width() {
    let database = Database::new().await;
    join(&database.mysql, "tom").await;

    for name in ["TOM", "Ｔｏｍ", "tom"] {
        let again = NewUser { email: Email::parse("new@example.com").unwrap(), ..someone(name) };
        assert_eq!(database.mysql.users().insert(again).await.unwrap_err().code, Code::UsernameTaken, "{name}");
    }
}

#[tokio::test]
async fn username_that_looks_like_a_taken_one_is_taken() {
    let database = Database::new().await;
    for name in ["admin", "coco", "corner"] {
        join(&database.mysql, name).await;
    }

    for name in ["adm\u{131}n", "\u{251}dmin", "\u{441}\u{43e}\u{441}\u{43e}"] {
        let again = NewUser { email: Email::parse("new@example.com").unwrap(), ..someone(name) };
        assert_eq!(database.mysql.users().insert(again).await.unwrap_err().code, Code::UsernameTaken, "{name}");
    }
    assert!(database.mysql.users().insert(someone("comer")).await.is_ok(), "ASCII names stand for themselves");
}

#[tokio::test]
async fn oldest_of_the_look_alikes_gets_the_skeleton() {
    let database = Database::new().await;
    let mut people = Vec::new();
    for (n, name) in ["gildong", "gildong\u{3164}", "gild\u{43e}ng", "minji"].into_iter().enumerate() {
        people.push(join(&database.mysql, &format!("old{n}")).await);
        let before =
            format!("UPDATE users SET username = '{name}', username_skeleton = NULL WHERE username = 'old{n}'");
        testkit::mysql::execute(&database.url, &before).await;
    }
    let users = || database.mysql.users();
    let missing = async |after, limit| {
        let people = users().list_without_skeleton(after, limit).await.unwrap();
        people.into_iter().map(|person| person.user).collect::<Vec<_>>()
    };
    assert_eq!((missing(UserId(0), 3).await, missing(people[2], 3).await), (people[..3].to_vec(), vec![people[3]]));

    for _ in 0..2 {
        users().fill_skeletons(&users().list_without_skeleton(UserId(0), 100).await.unwrap()).await.unwrap();
        assert_eq!(missing(UserId(0), 100).await, people[1..3]);
    }

    let double = NewUser { email: Email::parse("new@example.com").unwrap(), ..someone("G\u{131}ldong") };
    assert_eq!(users().insert(double).await.unwrap_err().code, Code::UsernameTaken);
}

#[tokio::test]
async fn accent_makes_another_username() {
    let database = Database::new().await;
    join(&database.mysql, "resume").await;
    let accented = NewUser { username: Username::parse("r\u{e9}sum\u{e9}").unwrap(), ..someone("other") };

    assert!(database.mysql.users().insert(accented).await.is_ok());
}

#[tokio::test]
async fn one_of_twenty_concurrent_registrations_gets_the_email() {
    let database = Database::new().await;
    let mut attempts = JoinSet::new();
    for n in 0..20 {
        let mysql = database.mysql.clone();
        let new = NewUser { username: Username::parse(&format!("name{n}")).unwrap(), ..someone("same") };
        attempts.spawn(async move { mysql.users().insert(new).await });
    }

    let refused: Vec<_> = attempts.join_all().await.into_iter().filter_map(Result::err).collect();

    assert_eq!(refused.len(), 19);
    assert!(refused.iter().all(|fault| fault.code == Code::EmailTaken));
}

#[tokio::test]
async fn credentials_are_found_by_the_folded_address() {
    let database = Database::new().await;
    let id = join(&database.mysql, "tom").await;

    let credentials = database.mysql.users().find_credentials("tom@example.com", NOON).await.unwrap().unwrap();

    assert_eq!((credentials.user, credentials.password_hash.as_str(), credentials.is_active), (id, "$argon2id$", true));
    assert!(database.mysql.users().find_credentials("tim@example.com", NOON).await.unwrap().is_none());
}

#[tokio::test]
async fn profiles_come_in_the_order_of_their_ids() {
    let database = Database::new().await;
    let [a, b] = join_all(&database.mysql, ["aa", "bb"]).await;

    let profiles = database.mysql.users().list_profiles(&[b, a, b]).await.unwrap();

    assert_eq!(profiles.iter().map(|profile| profile.username.as_str()).collect::<Vec<_>>(), ["aa", "bb"]);
}
