//! The number of round trips to the stores of each list.

use crate::proxied_stack::journey_with_proxies;
use e2e::{Person, TestStack};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use testkit::proxy::Proxy;

/// The largest page.
const MANY: usize = 100;
/// All sessions that a person may have.
const SESSIONS: usize = 50;
/// Tries of each request; the minimum counts, because drivers also check their connections.
const TIMES: usize = 10;

#[test]
fn round_trips_of_a_list_do_not_grow_with_the_page() {
    journey_with_proxies(async |stack, mysql, mongo| {
        let crowd = Crowd::gather(stack).await;
        let mut grown = Vec::new();
        println!("{:<40} {:>5} {:>16} {:>16}", "route", "items", "MySQL 2 / 100", "MongoDB 2 / 100");
        for (person, path) in crowd.lists() {
            let few = least(person, &format!("{path}limit=2"), (mysql, mongo)).await;
            let many = least(person, &format!("{path}limit={MANY}"), (mysql, mongo)).await;
            let name = path.trim_end_matches(['?', '&']).replace(&format!("{}", crowd.room), "{room}");
            println!(
                "{name:<40} {:>5} {:>16} {:>16}",
                many.items,
                format!("{} / {}", few.mysql, many.mysql),
                format!("{} / {}", few.mongo, many.mongo),
            );
            let most = if path.starts_with("/auth/sessions") { SESSIONS } else { MANY };
            assert_eq!((few.items, many.items), (2, most), "{path}");
            let is_too_much = path.starts_with("/chat-rooms") && many.mysql + many.mongo > 4;
            if (few.mysql, few.mongo) != (many.mysql, many.mongo) || is_too_much {
                grown.push(name);
            }
        }
        assert!(grown.is_empty(), "{grown:?}");
    });
}

/// The round trips of a request.
#[derive(Clone, Copy)]
struct Taken {
    items: usize,
    mysql: usize,
    mongo: usize,
}

async fn least(person: &Person, path: &str, (mysql, mongo): (&Proxy, &Proxy)) -> Taken {
    let mut taken = Vec::new();
    for _ in 0..TIMES {
        let before = (mysql.round_trips(), mongo.round_trips());
        let items = person.api.get(path).await.with(200)["items"].as_array().map_or(0, Vec::len);
        taken.push(Taken { items, mysql: mysql.round_trips() - before.0, mongo: mongo.round_trips() - before.1 });
    }
    taken.into_iter().min_by_key(|taken| taken.mysql + taken.mongo).unwrap_or_else(|| unreachable!("never asked"))
}

/// People with a full page of everything.
struct Crowd {
    /// Has rooms, friends, logins and messages.
    friendly: Person,
    /// Has a friend request from everyone.
    wary: Person,
    /// Has blocked everyone.
    shy: Person,
    room: i64,
}

impl Crowd {
    async fn gather(stack: &TestStack) -> Self {
        let (friendly, wary, shy) =
            tokio::join!(stack.register("friendly"), stack.register("wary"), stack.register("shy"));
        let people = stream::iter(0..MANY).map(async |number| {
            let person = stack.register("crowd").await;
            let room = person.room_with(&friendly).await;
            let question = person.say(room, "어디야?").await;
            reply(&person, room, &question).await;
            let request = person.befriend(&friendly).await;
            friendly.api.call("PUT", &format!("/friends/{request}/accept"), None).await.with(200);
            person.befriend(&wary).await;
            shy.block(&person).await;
            if number + 1 < SESSIONS {
                friendly.login().await;
            }
            person
        });
        let people: Vec<Person> = people.buffer_unordered(4).collect().await;
        let room = friendly.room_with(&people[0]).await;
        for _ in 0..MANY / 2 {
            let question = people[0].say(room, "어디야?").await;
            reply(&people[0], room, &question).await;
        }
        Self { friendly, wary, shy, room }
    }

    fn lists(&self) -> Vec<(&Person, String)> {
        let Self { friendly, wary, shy, room } = self;
        vec![
            (friendly, "/chat-rooms?".to_owned()),
            (friendly, "/friends?".to_owned()),
            (wary, "/friends/requests?".to_owned()),
            (shy, "/blocks?".to_owned()),
            (friendly, "/users/search?q=crowd&".to_owned()),
            (friendly, "/auth/sessions?".to_owned()),
            (friendly, format!("/messages/{room}?")),
            (friendly, format!("/messages/sync?room_id={room}&after_rev=0&")),
            (friendly, "/messages/unread?".to_owned()),
            // 어디야
            (friendly, "/messages/search?q=%EC%96%B4%EB%94%94%EC%95%BC&".to_owned()),
        ]
    }
}

async fn reply(person: &Person, room: i64, to: &Value) {
    let body = json!({"room_id": room, "room_type": "private", "content": "집", "reply_to": to["id"]});
    person.api.post("/messages", &body).await.with(201);
}
