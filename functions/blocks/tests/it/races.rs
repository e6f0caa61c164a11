use crate::{
    blocking::{block, block_all, two},
    unblocking::unblock,
};
use domain::MOST_BLOCKS;
use testkit::{Answer, Door};

/// How many were told that they made the block; a slow machine may have kept that answer back. All have one.
fn made(answers: &[(usize, Answer)]) -> usize {
    assert!(answers.iter().all(|(_, answer)| [200, 201].contains(&answer.status)), "{answers:?}");
    answers.iter().filter(|(_, answer)| answer.status == 201).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_concurrent_blocks_make_one() {
    let door = Door::new(blocks::routes).await;
    let [minji, junho] = two(&door).await;
    door.open_room([minji, junho]).await;

    let answers = door.at_once(20, move |door, _| async move { block(&door, minji, junho).await }).await;

    assert!(made(&answers) <= 1);
    assert!(answers.iter().all(|(_, answer)| answer.text == answers[0].1.text));
    assert_eq!((door.known(minji).await.blocked, door.known(minji).await.version), (vec![junho], 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_mutual_blocks_both_succeed() {
    let door = Door::new(blocks::routes).await;
    let pair = two(&door).await;
    let room = door.open_room(pair).await;

    let answers =
        door.at_once(20, move |door, n| async move { block(&door, pair[n % 2], pair[(n + 1) % 2]).await }).await;

    assert!(made(&answers) <= 2);
    assert_eq!([door.known(pair[0]).await.blocked, door.known(pair[1]).await.blocked], [[pair[1]], [pair[0]]]);
    assert!(door.rights(room, pair[0]).await.unwrap().blocked);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_blocks_and_unblocks_keep_stores_equal() {
    let door = Door::new(blocks::routes).await;
    let [minji, junho] = two(&door).await;
    let room = door.open_room([minji, junho]).await;

    let answers = door
        .at_once(20, move |door, n| async move {
            if n % 2 == 0 { block(&door, minji, junho).await } else { unblock(&door, minji, junho).await }
        })
        .await;

    assert!(answers.iter().all(|(_, answer)| [200, 201, 204].contains(&answer.status)), "{answers:?}");
    let is_blocked = door.mysql().blocks().find(minji, junho).await.unwrap().is_some();
    let known = door.known(minji).await.blocked.contains(&junho);
    assert_eq!((known, door.rights(room, minji).await.unwrap().blocked), (is_blocked, is_blocked));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_blocks_hold_when_many_come_at_once() {
    let door = Door::new(blocks::routes).await;
    let minji = door.join("minji").await;
    let crowd = door.join_crowd(i32::try_from(MOST_BLOCKS).unwrap() + 9).await;
    block_all(&door, minji, crowd[10]).await;

    let answers = door
        .at_once(10, move |door, n| {
            let other = crowd[n];
            async move { block(&door, minji, other).await }
        })
        .await;

    assert!(answers.iter().all(|(_, answer)| [200, 201, 409].contains(&answer.status)), "{answers:?}");
    assert_eq!(door.mysql().blocks().count(minji).await.unwrap(), MOST_BLOCKS);
}

#[tokio::test(flavor = "multi_thread")]
async fn account_that_is_being_deleted_blocks_nobody_afterwards() {
    let door = Door::new(blocks::routes).await;
    let minji = door.join("minji").await;
    let mut others = Vec::new();
    for n in 0..20 {
        others.push(door.join(&format!("other{n}")).await);
    }
    door.log_in(minji).await;
    let blocked = others.clone();
    let blocking = door.at_once(20, move |door, n| {
        let other = blocked[n];
        async move { if n % 2 == 0 { block(&door, minji, other).await } else { block(&door, other, minji).await } }
    });

    let (answers, deleted) = tokio::join!(blocking, door.delete_account(minji));

    deleted.unwrap();
    for (n, answer) in answers {
        let expected: &[u16] = if n % 2 == 0 { &[201, 401] } else { &[201] };
        assert!(expected.contains(&answer.status), "{n}: {}", answer.text);
    }
    let count = door.mysql().blocks().count(minji).await.unwrap();
    assert_eq!(block(&door, minji, others[1]).await.refusal(), (401, "unauthenticated".to_owned()));
    assert_eq!(door.mysql().blocks().count(minji).await.unwrap(), count);
}
