use super::{LIMIT, Watch, connection, notifications::watch_notifications, person, session, town};
use crate::scene::{ANNA, AT, EVE, private};
use domain::{Random, Seq, UserId};
use mongo::{Arrival, Bucket, Effect, Recipients};
use std::time::Duration;

#[tokio::test]
async fn no_command_on_people_walks_a_collection() {
    let database = town().await;
    let mongo = &database.mongo;
    let (connections, gates, limits) = (mongo.connections(), mongo.gates(), mongo.limits());
    let mut causal = mongo.causal().await.unwrap();
    let mut watch = Watch::over(&database).await;
    let (seven, eight, nine) = (session(107), session(108), session(9));

    watch.watch("project a person", 1, mongo.people().project(&person(107))).await;
    watch.watch("find a person", 1, mongo.people().find(UserId(107))).await;
    watch.watch("insert a ticket", 0, mongo.tickets().insert("t", ANNA, &seven, AT)).await;
    watch.watch("burn", 1, mongo.tickets().burn("t", AT)).await;
    watch.watch("first end_sessions", 1, gates.end_sessions(ANNA, &[session(1), session(2)], AT)).await;
    watch.watch("end_sessions", 1, gates.end_sessions(UserId(107), &[session(1), session(2)], AT)).await;
    let dice = |byte: fn(&mut [u8])| Random(byte);
    for random in [dice(|bytes| bytes.fill(0)), dice(|bytes| bytes.fill(1))] {
        watch.watch("pass_read", 1, gates.pass_read(UserId(107), &seven, LIMIT, random)).await;
    }
    watch.watch("list_versions", 2, mongo.people().list_versions(&[UserId(107), UserId(108)])).await;
    let two = [UserId(107), UserId(108)];
    watch.watch("list_named", 2, mongo.people().list_named(&two, &two)).await;
    let (states, everybody) = (mongo.read_states(), UserId(0)..=UserId(i32::MAX));
    watch.watch("read states of a room", 2, states.list(private(100), everybody)).await;
    let claim = watch.watch("claim", 2, states.claim(private(100), Seq(9), &two, &two, AT)).await;
    watch.watch("finish", 2, states.finish(&claim, AT)).await;
    watch.watch("find_last", 1, mongo.people().find_last()).await.unwrap();
    watch.watch("list_by_names", 1, mongo.people().list_by_names(&["minji107", "nobody"])).await;
    watch.watch("is_inactive", 1, mongo.people().is_inactive(UserId(107))).await;
    watch.watch("is_ended_in", 1, gates.is_ended_in(&mut causal, UserId(107), &seven)).await;
    watch.watch("is_ended", 1, gates.is_ended(UserId(107), &seven)).await;
    watch.watch("first pass", 1, gates.pass(EVE, &nine, Bucket::Sends, LIMIT)).await;
    watch.watch("pass", 1, gates.pass(UserId(108), &nine, Bucket::Sends, LIMIT)).await;
    watch.watch("refund to a gate", 1, gates.refund(UserId(108), Bucket::Sends, LIMIT)).await;
    watch.watch("insert a connection", 1, connections.insert(&connection(1))).await;
    let id = connection(1).id;
    let arrival = Arrival { connection: &id, locale: None, cost: 1, effect: Effect::Alive, at: AT };
    watch.watch("touch", 1, connections.touch(arrival, LIMIT)).await.unwrap();
    let people = [UserId(107), UserId(108)];
    watch.watch("list_of_people", 2, connections.list_of_people(&people, AT)).await;
    watch.watch("list_attendance", 2, connections.list_attendance(&people, AT)).await;
    let found = watch.watch("list_of_people_in", 2, connections.list_of_people_in(&mut causal, &people, AT)).await;
    assert_eq!(found.len(), 2);
    let ids = [connection(107).id, connection(109).id];
    watch.watch("list_recipients", 2, connections.list_recipients(&people, 5, AT)).await;
    let crowd: Vec<_> = (100..200).map(UserId).collect();
    let most = watch.watch("list_recipients, too many", 4, connections.list_recipients(&crowd, 3, AT)).await;
    let Recipients::TooMany(found) = most else { panic!("{most:?}") };
    watch.watch("a page of a crowd", 100, connections.list_page(&found, &crowd, AT)).await;
    let most =
        watch.watch("the same in a session", 4, connections.list_recipients_in(&mut causal, &crowd, 3, AT)).await;
    let Recipients::TooMany(found) = most else { panic!("{most:?}") };
    watch.watch("a page of a crowd in a session", 100, connections.list_page(&found, &crowd, AT)).await;
    watch.watch("list_live", 2, connections.list_live(&ids, &people, AT)).await;
    let both = [seven, eight];
    watch.watch("remove_of_sessions", 2, connections.remove_of_sessions(&both, AT)).await;
    let gone = [connection(109), connection(110)];
    let closed = gone.iter().map(|gone| (&gone.id, gone.connected_at));
    watch.watch("remove_gone", 2, connections.remove_gone(closed, AT)).await;
    watch.watch("find_owner", 1, connections.find_owner(&connection(111).id)).await;
    watch.watch("expire", 1, connections.expire(&connection(111).id, AT)).await;
    watch.watch("list_ghosts", 1, connections.list_ghosts(AT, 10)).await;
    watch.watch("leave", 1, connections.leave(&connection(112).id, AT)).await;
    watch.watch("remove", 1, connections.remove(&connection(111).id)).await;
    watch.watch("remove_expired", 2, connections.remove_expired(&people, AT)).await;
    watch_notifications(mongo, &mut watch).await;
    watch.watch("spend", 1, limits.spend("107", LIMIT)).await;
    watch.watch("spend_once", 1, limits.spend_once("107", Duration::from_mins(1))).await;
    watch.watch("begin_login", 1, limits.begin_login("107")).await;
    watch.watch("use_up_free_tries", 1, limits.use_up_free_tries("107")).await;
    watch.watch("forget_failed_logins", 1, limits.forget_failed_logins("107")).await;

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}
