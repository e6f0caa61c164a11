use crate::{
    pages::size,
    people::{block, deactivate, join, join_all, someone},
};
use domain::{DisplayName, NameQuery, UserId};
use mysql::{Mysql, Names, NewUser};
use testkit::mysql::Database;
use tokio::task::JoinSet;

/// Someone who can be searched.
pub(crate) async fn sign_up(mysql: &Mysql, username: &str, shown: Option<&str>) -> UserId {
    let display_name = shown.map(|name| DisplayName::parse(name).unwrap());
    let user = mysql.users().insert(NewUser { display_name, ..someone(username) }).await.unwrap().profile;
    let names = Names { user: user.id, username: Some(user.username), display_name: user.display_name };
    mysql.users().insert_names(&[names]).await.unwrap();
    user.id
}

/// The usernames of those whom a viewer finds.
async fn found_by(mysql: &Mysql, viewer: UserId, text: &str) -> Vec<String> {
    let query = NameQuery::parse(text).unwrap();
    let page = mysql.users().search(&query, viewer, None, size(100)).await.unwrap();
    page.items.into_iter().map(|profile| profile.username).collect()
}

/// The usernames of those whom a stranger finds.
async fn found(database: &Database, text: &str) -> Vec<String> {
    found_by(&database.mysql, UserId(0), text).await
}

#[tokio::test]
async fn search_finds_prefixes_of_both_names_in_order() {
    let database = Database::new().await;
    for (username, shown) in [("minsu", None), ("zoe", Some("Mina K")), ("adam", Some("Kim Min")), ("mi", Some("Xu"))] {
        sign_up(&database.mysql, username, shown).await;
    }

    assert_eq!(found(&database, "mi").await, ["mi", "zoe", "minsu"]);
    assert_eq!(found(&database, "min").await, ["zoe", "minsu"]);
    assert_eq!(found(&database, "mina k").await, ["zoe"]);
    assert_eq!(found(&database, "in").await, [""; 0]);
}

#[tokio::test]
async fn korean_name_is_found_while_it_is_typed() {
    let database = Database::new().await;
    sign_up(&database.mysql, "hong", Some("홍길동")).await;
    sign_up(&database.mysql, "kang", Some("강산")).await;

    for typed in ["ㅎ", "호", "홍", "홍ㄱ", "홍기", "홍길", "홍길ㄷ", "홍길도", "홍길동"] {
        assert_eq!(found(&database, typed).await, ["hong"], "{typed}");
    }
    for other in ["하", "길", "홍길순", "홍길동이"] {
        assert_eq!(found(&database, other).await, [""; 0], "{other}");
    }
}

#[tokio::test]
async fn korean_name_is_found_by_its_initials() {
    let database = Database::new().await;
    sign_up(&database.mysql, "hong", Some("홍 길동")).await;
    sign_up(&database.mysql, "강산", None).await;

    for (typed, expected) in
        [("ㅎㄱ", &["hong"][..]), ("ㅎㄱㄷ", &["hong"]), ("ㄳ", &["강산"]), ("ㄱㅅ", &["강산"]), ("ㄱㄷ", &[])]
    {
        assert_eq!(found(&database, typed).await, expected, "{typed}");
    }
}

#[tokio::test]
async fn search_ignores_case_width_and_composition() {
    let database = Database::new().await;
    sign_up(&database.mysql, "Minji", None).await;
    sign_up(&database.mysql, "ｊｕｎｈｏ", Some("\u{1112}\u{1169}\u{11bc}")).await;

    for (typed, expected) in [
        ("MINJI", "Minji"),
        ("ｍｉｎ", "Minji"),
        ("JunHo", "ｊｕｎｈｏ"),
        ("홍", "ｊｕｎｈｏ"),
        ("\u{1112}\u{1169}\u{11bc}", "ｊｕｎｈｏ"),
        ("  min ", "Minji"),
    ] {
        assert_eq!(found(&database, typed).await, [expected], "{typed}");
    }
}

#[tokio::test]
async fn person_found_by_both_names_is_listed_once() {
    let database = Database::new().await;
    sign_up(&database.mysql, "minji", Some("Min Ji")).await;
    sign_up(&database.mysql, "minsu", Some("MINSU")).await;
    sign_up(&database.mysql, "민지", Some("민지")).await;

    assert_eq!(found(&database, "min").await, ["minji", "minsu"]);
    for typed in ["민", "ㅁㅈ"] {
        assert_eq!(found(&database, typed).await, ["민지"], "{typed}");
    }
}

#[tokio::test]
async fn person_is_found_though_the_other_name_differs() {
    let database = Database::new().await;
    sign_up(&database.mysql, "aaron", Some("Min")).await;

    assert_eq!(found(&database, "min").await, ["aaron"]);
}

#[tokio::test]
async fn pattern_characters_are_literal() {
    let database = Database::new().await;
    for (username, shown) in
        [("a_b", None), ("axb", None), ("per", Some("100% me")), ("num", Some("1000")), ("hi", Some("\\o/"))]
    {
        sign_up(&database.mysql, username, shown).await;
    }

    for (typed, expected) in [
        ("a_", &["a_b"][..]),
        ("100%", &["per"]),
        ("%", &[]),
        ("_", &[]),
        ("\\", &["hi"]),
        ("\\o", &["hi"]),
        ("a\\", &[]),
    ] {
        assert_eq!(found(&database, typed).await, expected, "{typed}");
    }
}

#[tokio::test]
async fn quotes_and_emoji_are_literal() {
    let database = Database::new().await;
    sign_up(&database.mysql, "quote", Some("' OR 1=1 -- ")).await;
    sign_up(&database.mysql, "tiger", Some("🐯 tiger")).await;

    assert_eq!(found(&database, "' or").await, ["quote"]);
    assert_eq!(found(&database, "🐯").await, ["tiger"]);
}

#[tokio::test]
async fn search_hides_people_from_those_they_blocked() {
    let database = Database::new().await;
    let [viewer, other] = join_all(&database.mysql, ["viewer", "other"]).await;
    let blocker = sign_up(&database.mysql, "minji", Some("Min")).await;
    block(&database.mysql, blocker, viewer).await;

    assert_eq!(found_by(&database.mysql, viewer, "min").await, [""; 0]);
    assert_eq!(found_by(&database.mysql, other, "min").await, ["minji"]);
}

#[tokio::test]
async fn blocked_person_is_found_by_the_blocker() {
    let database = Database::new().await;
    let (viewer, blocked) = (join(&database.mysql, "viewer").await, sign_up(&database.mysql, "minji", None).await);
    block(&database.mysql, viewer, blocked).await;

    assert_eq!(found_by(&database.mysql, viewer, "min").await, ["minji"]);
}

#[tokio::test]
async fn search_hides_the_viewer_and_inactive_accounts() {
    let database = Database::new().await;
    let viewer = sign_up(&database.mysql, "minji", None).await;
    let gone = sign_up(&database.mysql, "minsu", None).await;
    deactivate(&database, gone).await;

    assert_eq!(found_by(&database.mysql, viewer, "min").await, [""; 0]);
}

#[tokio::test]
async fn removed_display_name_is_not_found() {
    let database = Database::new().await;
    let user = sign_up(&database.mysql, "hong", Some("길동")).await;

    database.mysql.users().remove_display_name(user).await.unwrap();

    assert_eq!([found(&database, "길").await, found(&database, "ㄱㄷ").await], [vec![], vec![]] as [Vec<String>; 2]);
    assert_eq!(found(&database, "hong").await, ["hong"]);
}

#[tokio::test]
async fn new_display_name_replaces_the_old_one() {
    let database = Database::new().await;
    let user = sign_up(&database.mysql, "hong", Some("길동")).await;
    database.mysql.users().remove_display_name(user).await.unwrap();

    let names = Names { user, username: None, display_name: Some("Gil".to_owned()) };
    database.mysql.users().insert_names(&[names]).await.unwrap();

    assert_eq!(found(&database, "gil").await, ["hong"]);
    assert_eq!(found(&database, "ㄱ").await, [""; 0]);
    assert_eq!(found(&database, "hong").await, ["hong"]);
}

#[tokio::test]
async fn people_without_name_keys_are_listed_by_id() {
    let database = Database::new().await;
    let users = || database.mysql.users();
    let [a, b] = join_all(&database.mysql, ["aa", "bb"]).await;
    sign_up(&database.mysql, "named", None).await;
    let c = join(&database.mysql, "cc").await;
    let ids = async |after: UserId, limit: u32| {
        let names = users().list_unnamed(after, limit).await.unwrap();
        names.into_iter().map(|names| names.user).collect::<Vec<_>>()
    };

    assert_eq!(ids(UserId(0), 2).await, [a, b]);
    assert_eq!(ids(b, 2).await, [c]);

    users().insert_names(&users().list_unnamed(UserId(0), 10).await.unwrap()).await.unwrap();
    assert_eq!(ids(UserId(0), 10).await, []);
    assert_eq!(found(&database, "bb").await, ["bb"]);
}

#[tokio::test]
async fn inserting_no_names_does_nothing() {
    let database = Database::new().await;

    database.mysql.users().insert_names(&[]).await.unwrap();
}

#[tokio::test]
async fn concurrent_inserts_of_names_are_idempotent() {
    let database = Database::new().await;
    let mut people = JoinSet::new();
    for n in 0..40 {
        let mysql = database.mysql.clone();
        people.spawn(async move { join(&mysql, &format!("min{n:02}")).await });
    }
    people.join_all().await;
    let unnamed = database.mysql.users().list_unnamed(UserId(0), 100).await.unwrap();
    let mut attempts = JoinSet::new();
    for _ in 0..20 {
        let (mysql, unnamed) = (database.mysql.clone(), unnamed.clone());
        attempts.spawn(async move { mysql.users().insert_names(&unnamed).await });
    }

    attempts.join_all().await.into_iter().for_each(Result::unwrap);

    assert_eq!(found(&database, "min").await.len(), 40);
}
