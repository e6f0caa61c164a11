use crate::{
    pages::{every_page, size},
    people::{block, deactivate, someone},
    search::sign_up,
};
use domain::{DisplayName, Fault, NameKeyKind, NameQuery, UserId, name_keys};
use mysql::{NameKey, Names, NewUser, Tx};
use testkit::mysql::Database;

/// Someone, and the names that they have.
type Person = (UserId, String, Option<String>);

/// 250 people: of every name some have it as both names, some as one, and many shown names are the same.
async fn crowd(tx: &mut Tx, (): ()) -> Result<Vec<Person>, Fault> {
    let mut people = Vec::new();
    for n in 0..250 {
        // A step that is prime to their number, so that names and ids have different orders.
        let place = n * 37 % 250;
        let username = format!("{}{place:03}", ["min", "Mi", "강산", "kim"][place % 4]);
        let shown = match place % 7 {
            0 => Some(username.to_uppercase()),
            1 => Some("Mina".to_owned()),
            2 => Some(format!("강산 {place}")),
            3 => Some(format!("김 {place}")),
            4 => Some(format!("mi{}", 999 - place)),
            _ => None,
        };
        let display_name = shown.as_deref().map(|name| DisplayName::parse(name).unwrap());
        let user = tx.users().insert(NewUser { display_name, ..someone(&username) }).await?.profile.id;
        people.push((user, username, shown));
    }
    let names: Vec<_> = people
        .iter()
        .map(|(user, username, shown)| Names {
            user: *user,
            username: Some(username.clone()),
            display_name: shown.clone(),
        })
        .collect();
    tx.users().insert_names(&names).await?;
    Ok(people)
}

/// Who is to be found, by the lowest of the keys that match.
fn expected(people: &[Person], query: &NameQuery) -> Vec<UserId> {
    let keys = |name: &str| match (query.kind, name_keys(name)) {
        (NameKeyKind::Letters, (letters, _)) => Some(letters),
        (NameKeyKind::Initials, (_, initials)) => initials,
    };
    let mut found: Vec<NameKey> = people
        .iter()
        .filter_map(|(user, username, shown)| {
            let names = [Some(username), shown.as_ref()].into_iter().flatten();
            Some((names.filter_map(|name| keys(name)).filter(|key| key.starts_with(&query.prefix)).min()?, *user))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, user)| user).collect()
}

async fn found(database: &Database, query: &NameQuery, viewer: UserId, page: i64) -> Vec<UserId> {
    let list =
        async |after: Option<NameKey>| database.mysql.users().search(query, viewer, after.as_ref(), size(page)).await;
    every_page(list).await.into_iter().map(|profile| profile.id).collect()
}

#[tokio::test]
async fn pages_concatenate_to_the_sorted_result() {
    let database = Database::new().await;
    let people = database.mysql.transact((), crowd).await.unwrap();

    for text in ["m", "mi", "min", "mina", "MI0", "강", "강산 1", "ㄱ", "ㄱㅅ", "ㅁ", "k", "kim199"] {
        let query = NameQuery::parse(text).unwrap();
        assert_eq!(found(&database, &query, UserId(0), 7).await, expected(&people, &query), "{text}");
    }
}

#[tokio::test]
async fn pages_leave_out_hidden_people() {
    let database = Database::new().await;
    let mut people = database.mysql.transact((), crowd).await.unwrap();
    let viewer = people[8].0;
    for place in [10, 77, 240] {
        deactivate(&database, people[place].0).await;
    }
    for place in [3, 11, 78, 79] {
        block(&database.mysql, people[place].0, viewer).await;
    }
    for place in [240, 79, 78, 77, 11, 10, 8, 3] {
        people.remove(place);
    }

    for text in ["m", "ㄱ", "k"] {
        let query = NameQuery::parse(text).unwrap();
        assert_eq!(found(&database, &query, viewer, 7).await, expected(&people, &query), "{text}");
    }
}

#[tokio::test]
async fn person_found_by_both_names_is_on_one_page() {
    let database = Database::new().await;
    let mut ids = Vec::new();
    for (username, shown) in [("ma", Some("Mz")), ("mb", Some("Mb")), ("mc", Some("MA")), ("md", None)] {
        ids.push(sign_up(&database.mysql, username, shown).await);
    }
    let query = NameQuery::parse("m").unwrap();

    for page in 1..=5 {
        let people = found(&database, &query, UserId(0), page).await;
        assert_eq!(people, [ids[0], ids[2], ids[1], ids[3]], "pages of {page}");
    }
}

#[tokio::test]
async fn people_with_one_name_are_ordered_by_id_across_pages() {
    let database = Database::new().await;
    let mut ids = Vec::new();
    for n in 0..9 {
        ids.push(sign_up(&database.mysql, &format!("user{n}"), Some("김민지")).await);
    }

    for text in ["김민지", "김", "ㄱㅁㅈ"] {
        let query = NameQuery::parse(text).unwrap();
        assert_eq!(found(&database, &query, UserId(0), 2).await, ids, "{text}");
    }
}

#[tokio::test]
async fn next_page_works_after_its_key_left() {
    let database = Database::new().await;
    let mut ids = Vec::new();
    for name in ["ma", "mb", "mc", "md"] {
        ids.push(sign_up(&database.mysql, name, None).await);
    }
    let query = NameQuery::parse("m").unwrap();
    let first = database.mysql.users().search(&query, UserId(0), None, size(2)).await.unwrap();
    deactivate(&database, ids[1]).await;

    let second = database.mysql.users().search(&query, UserId(0), first.next.as_ref(), size(2)).await.unwrap();

    assert_eq!(second.items.iter().map(|profile| profile.id).collect::<Vec<_>>(), ids[2..]);
}
