use crate::scene::{BORA, EVE, environments, scene};
use domain::{Person, PresenceVisibility, Privacy, UserId};
use tokio::task::JoinSet;

fn person(id: i32, version: i64) -> Person {
    Person {
        version,
        display_name: Some("민지".to_owned()),
        privacy: Privacy { presence_visibility: PresenceVisibility::Nobody, read_receipts: false },
        friends: vec![BORA],
        blocked: vec![EVE],
        ..testkit::person(UserId(id), &format!("name-{version}"))
    }
}

#[tokio::test]
async fn a_person_is_found_as_they_were_projected() {
    let database = scene().await;
    database.mongo.people().project(&person(1, 1)).await.unwrap();

    assert_eq!(database.mongo.people().find(UserId(1)).await.unwrap(), Some(person(1, 1)));
}

#[tokio::test]
async fn nobody_is_found_where_nobody_was_projected() {
    let database = scene().await;

    assert_eq!(database.mongo.people().find(UserId(1)).await.unwrap(), None);
}

#[tokio::test]
async fn the_newest_version_of_a_person_stays_in_any_order() {
    let database = scene().await;
    for (id, order) in [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]].into_iter().enumerate() {
        let id = i32::try_from(id).unwrap();
        for version in order {
            database.mongo.people().project(&person(id, version)).await.unwrap();
        }

        assert_eq!(database.mongo.people().find(UserId(id)).await.unwrap(), Some(person(id, 3)), "{order:?}");
    }
}

#[tokio::test]
async fn newer_of_two_concurrent_first_projections_stays() {
    let database = scene().await;
    let mongo = &database.mongo;
    for id in 1..=100 {
        let (older, newer) = (person(id, 1), person(id, 2));

        let (one, two) = tokio::join!(mongo.people().project(&older), mongo.people().project(&newer));

        one.and(two).unwrap();
        assert_eq!(mongo.people().find(UserId(id)).await.unwrap(), Some(newer));
    }
}

#[tokio::test]
async fn newest_of_twenty_concurrent_first_projections_stays() {
    let database = scene().await;
    let mut projecting = JoinSet::new();
    for (version, mongo) in (1..).zip(environments(&database, 20).await) {
        projecting.spawn(async move { mongo.people().project(&person(1, version)).await });
    }

    for projected in projecting.join_all().await {
        projected.unwrap();
    }

    assert_eq!(database.mongo.people().find(UserId(1)).await.unwrap(), Some(person(1, 20)));
}

#[tokio::test]
async fn people_are_found_by_their_names_whatever_the_case() {
    let database = scene().await;
    let people = database.mongo.people();
    for (id, username) in [(1, "Minji"), (2, "ｊｕｎｈｏ"), (3, "민지")] {
        people.project(&Person { username: username.to_owned(), ..person(id, 1) }).await.unwrap();
    }

    let found = people.list_by_names(&["junho", "minji", "nobody"]).await.unwrap();

    let expected = [("minji", UserId(1)), ("junho", UserId(2))].map(|(name, id)| (name.to_owned(), id));
    assert_eq!(found, expected.into());
    assert!(people.list_by_names(&[]).await.unwrap().is_empty());
}
