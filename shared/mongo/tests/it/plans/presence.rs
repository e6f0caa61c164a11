use super::{Watch, person, town};
use crate::scene::{ANNA, AT};
use domain::{Person, UserId};
use futures_util::FutureExt as _;

#[tokio::test]
async fn no_command_on_presence_walks_a_collection() {
    let database = town().await;
    let (mongo, presence) = (&database.mongo, database.mongo.presence());
    let pair = [UserId(107), UserId(108)];
    for (user, friend) in [(107, 108), (108, 107)] {
        let friends = vec![UserId(friend)];
        mongo.people().project(&Person { version: 3, friends, ..person(user) }).await.unwrap();
    }
    for id in 100..200 {
        presence.greet(UserId(id), AT).await.unwrap();
        let before = presence.list(&[UserId(id)]).await.unwrap()[0];
        presence.announce(&[before], AT).await.1.unwrap();
    }
    let mut watch = Watch::over(&database).await;

    watch.watch("first greet", 0, presence.greet(ANNA, AT)).await;
    watch.watch("greet", 1, presence.greet(UserId(107), AT)).await;
    watch.watch("stir", 2, presence.stir(&pair)).await;
    let seen = watch.watch("list", 2, presence.list(&pair)).await;
    watch.watch("announce", 1, presence.announce(&seen, AT).map(|(told, outcome)| outcome.map(|()| told))).await;
    let seen = presence.list(&pair).await.unwrap();
    watch.watch("confirm", 2, presence.confirm(&seen, AT)).await;
    watch.watch("list_due", 3, presence.list_due(AT, 3)).await;
    watch.watch("list_shown", 2, presence.list_shown(&pair)).await;
    watch.watch("list_online_friends", 4, presence.list_online_friends(UserId(107), 500)).await;
    watch.watch("list_seen", 4, presence.list_seen(UserId(107), &[UserId(108)], AT)).await;
    watch.watch("list_onlookers", 2, presence.list_onlookers(&pair, 500, AT)).await;
    watch.watch("remove", 1, presence.remove(UserId(150))).await;

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}
