use crate::{
    blocking::{block, two},
    house::House,
    unblocking::unblock,
};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_blocks_at_once_are_one() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    house.open_room([minji, junho]).await;
    let mut blocking = JoinSet::new();
    for _ in 0..20 {
        let house = house.clone();
        blocking.spawn(async move { block(&house, minji, junho).await });
    }

    let answers = blocking.join_all().await;

    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!((&statuses[..19], statuses[19]), (&[200; 19][..], 201));
    assert!(answers.iter().all(|answer| answer.text == answers[0].text));
    assert_eq!((house.known(minji).await.blocked, house.known(minji).await.version), (vec![junho], 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_block_each_other_at_once_both_do() {
    let house = House::new().await;
    let pair = two(&house).await;
    let room = house.open_room(pair).await;
    let mut blocking = JoinSet::new();
    for n in 0..20 {
        let house = house.clone();
        blocking.spawn(async move { block(&house, pair[n % 2], pair[(n + 1) % 2]).await.status });
    }

    let mut statuses = blocking.join_all().await;

    statuses.sort_unstable();
    assert_eq!((&statuses[..18], &statuses[18..]), (&[200; 18][..], &[201; 2][..]));
    assert_eq!([house.known(pair[0]).await.blocked, house.known(pair[1]).await.blocked], [[pair[1]], [pair[0]]]);
    assert!(house.access(room).await.blocked);
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_and_unblocks_at_once_leave_both_stores_of_one_mind() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let room = house.open_room([minji, junho]).await;
    let mut doing = JoinSet::new();
    for n in 0..20 {
        let house = house.clone();
        doing.spawn(async move {
            if n % 2 == 0 {
                block(&house, minji, junho).await.status
            } else {
                unblock(&house, minji, junho).await.status
            }
        });
    }

    let statuses = doing.join_all().await;

    assert!(statuses.iter().all(|status| [200, 201, 204].contains(status)), "{statuses:?}");
    let is_blocked = house.mysql().blocks().find(minji, junho).await.unwrap().is_some();
    let known = house.known(minji).await.blocked.contains(&junho);
    assert_eq!((known, house.access(room).await.blocked), (is_blocked, is_blocked));
}
