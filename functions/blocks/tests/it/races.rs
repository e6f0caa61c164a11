use crate::{
    blocking::{block, two},
    house::{Answer, House},
    unblocking::unblock,
};

/// How many were told that they made the block; a slow machine may have kept that answer back. All have one.
fn made(answers: &[(usize, Answer)]) -> usize {
    assert!(answers.iter().all(|(_, answer)| [200, 201].contains(&answer.status)), "{answers:?}");
    answers.iter().filter(|(_, answer)| answer.status == 201).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_blocks_at_once_are_one() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    house.open_room([minji, junho]).await;

    let answers = house.at_once(20, move |house, _| async move { block(&house, minji, junho).await }).await;

    assert!(made(&answers) <= 1);
    assert!(answers.iter().all(|(_, answer)| answer.text == answers[0].1.text));
    assert_eq!((house.known(minji).await.blocked, house.known(minji).await.version), (vec![junho], 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_block_each_other_at_once_both_do() {
    let house = House::new().await;
    let pair = two(&house).await;
    let room = house.open_room(pair).await;

    let answers =
        house.at_once(20, move |house, n| async move { block(&house, pair[n % 2], pair[(n + 1) % 2]).await }).await;

    assert!(made(&answers) <= 2);
    assert_eq!([house.known(pair[0]).await.blocked, house.known(pair[1]).await.blocked], [[pair[1]], [pair[0]]]);
    assert!(house.access(room).await.blocked);
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_and_unblocks_at_once_leave_both_stores_of_one_mind() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let room = house.open_room([minji, junho]).await;

    let answers = house
        .at_once(20, move |house, n| async move {
            if n % 2 == 0 { block(&house, minji, junho).await } else { unblock(&house, minji, junho).await }
        })
        .await;

    assert!(answers.iter().all(|(_, answer)| [200, 201, 204].contains(&answer.status)), "{answers:?}");
    let is_blocked = house.mysql().blocks().find(minji, junho).await.unwrap().is_some();
    let known = house.known(minji).await.blocked.contains(&junho);
    assert_eq!((known, house.access(room).await.blocked), (is_blocked, is_blocked));
}
