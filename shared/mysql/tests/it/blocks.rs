use crate::{
    pages::{every_page, size},
    people::{NOON, block, deactivate, join},
};
use domain::{Code, UserId};
use testkit::mysql::Database;
use tokio::task::JoinSet;

/// A database, someone, and others by id.
async fn stage(others: i32) -> (Database, UserId, Vec<UserId>) {
    let database = Database::new().await;
    let me = join(&database.mysql, "me").await;
    let mut people = Vec::new();
    for n in 0..others {
        people.push(join(&database.mysql, &format!("other{n}")).await);
    }
    (database, me, people)
}

#[tokio::test]
async fn between_two_people_each_block_is_told_with_who_made_it() {
    let (database, me, others) = stage(4).await;
    let mysql = &database.mysql;
    block(mysql, me, others[0]).await;
    block(mysql, others[1], me).await;
    block(mysql, me, others[2]).await;
    block(mysql, others[2], me).await;

    for (other, mut expected) in
        [(others[0], vec![me]), (others[1], vec![others[1]]), (others[2], vec![me, others[2]]), (others[3], vec![])]
    {
        for pair in [[me, other], [other, me]] {
            let mut found = mysql.blocks().list_between(pair).await.unwrap();
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{pair:?}");
        }
    }
}

#[tokio::test]
async fn block_has_one_direction() {
    let (database, me, others) = stage(1).await;
    block(&database.mysql, me, others[0]).await;

    let found = database.mysql.blocks().find(me, others[0]).await.unwrap().unwrap();

    assert_eq!((found.user.profile.username.as_str(), found.user.is_available, found.at), ("other0", true, NOON));
    assert_eq!(database.mysql.blocks().find(others[0], me).await.unwrap(), None);
}

#[tokio::test]
async fn inactive_or_blocking_person_looks_deleted() {
    let (database, me, others) = stage(2).await;
    for other in &others {
        block(&database.mysql, me, *other).await;
    }
    deactivate(&database, others[0]).await;
    block(&database.mysql, others[1], me).await;

    for other in others {
        let found = database.mysql.blocks().find(me, other).await.unwrap().unwrap();
        assert!(!found.user.is_available, "{other}");
    }
}

#[tokio::test]
async fn blocks_come_by_id_in_pages_of_any_size() {
    let (database, me, others) = stage(11).await;
    for other in others.iter().rev() {
        block(&database.mysql, me, *other).await;
    }

    for page in [1, 4, 11, 100] {
        let list = async |after| database.mysql.blocks().list(me, after, size(page)).await;
        let found: Vec<_> = every_page(list).await.into_iter().map(|blocked| blocked.user.profile.id).collect();
        assert_eq!(found, others, "pages of {page}");
    }
}

#[tokio::test]
async fn list_shows_inactive_and_blocking_people_as_deleted() {
    let (database, me, others) = stage(3).await;
    for other in &others {
        block(&database.mysql, me, *other).await;
    }
    deactivate(&database, others[0]).await;
    block(&database.mysql, others[1], me).await;

    let page = database.mysql.blocks().list(me, None, size(10)).await.unwrap();

    assert_eq!(page.items.iter().map(|blocked| blocked.user.is_available).collect::<Vec<_>>(), [false, false, true]);
}

#[tokio::test]
async fn blocks_of_others_are_not_listed() {
    let (database, me, others) = stage(2).await;
    block(&database.mysql, others[0], me).await;
    block(&database.mysql, others[0], others[1]).await;

    assert_eq!(database.mysql.blocks().list(me, None, size(10)).await.unwrap().items, []);
}

#[tokio::test]
async fn removed_block_leaves_the_others() {
    let (database, me, others) = stage(1).await;
    block(&database.mysql, me, others[0]).await;
    block(&database.mysql, others[0], me).await;

    let removed =
        [database.mysql.blocks().remove(me, others[0]).await, database.mysql.blocks().remove(me, others[0]).await];

    assert_eq!(removed.map(Result::unwrap), [true, false]);
    assert_eq!(database.mysql.blocks().list_between([me, others[0]]).await.unwrap(), [others[0]]);
}

#[tokio::test]
async fn twenty_concurrent_blocks_make_one_row() {
    let (database, me, others) = stage(1).await;
    let mut attempts = JoinSet::new();
    for _ in 0..20 {
        let (mysql, other) = (database.mysql.clone(), others[0]);
        attempts.spawn(async move { mysql.blocks().insert(me, other, NOON).await });
    }

    let refused: Vec<_> = attempts.join_all().await.into_iter().filter_map(Result::err).collect();

    assert_eq!(refused.len(), 19);
    assert!(refused.iter().all(|fault| fault.code == Code::Internal), "{refused:?}");
}
