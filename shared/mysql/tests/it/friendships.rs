use crate::{
    pages::{every_page, size},
    people::{NOON, deactivate, join, join_all},
};
use FriendshipStatus::{Accepted, Pending, Rejected};
use domain::{Fault, Friendship, FriendshipId, FriendshipStatus, Timestamp, UserId};
use mysql::{Direction, Mysql, Tx};
use std::{collections::HashSet, time::Duration};
use testkit::mysql::Database;
use tokio::task::JoinSet;

const LATER: Timestamp = Timestamp::from_millis(NOON.millis() + 60_000);

async fn ask(mysql: &Mysql, requester: UserId, addressee: UserId) -> Friendship {
    mysql.friendships().insert(requester, addressee, NOON).await.unwrap()
}

async fn settle(mysql: &Mysql, requester: UserId, addressee: UserId, status: FriendshipStatus) -> FriendshipId {
    let asked = ask(mysql, requester, addressee).await;
    mysql.friendships().update(&asked.changed_to(status, requester, LATER)).await.unwrap();
    asked.id
}

/// A person and what there is with each of `others`: who asked alternates, and `status` says how it went.
struct Circle {
    database: Database,
    me: UserId,
    ids: Vec<(FriendshipId, UserId)>,
}

impl Circle {
    async fn new(others: i32, status: FriendshipStatus) -> Self {
        let database = Database::new().await;
        let me = join(&database.mysql, "me").await;
        let mut ids = Vec::new();
        for n in 0..others {
            let other = join(&database.mysql, &format!("other{n}")).await;
            // Not strictly by turns, so that pages end within either arm of the union.
            let (requester, addressee) = if n % 5 < 3 { (me, other) } else { (other, me) };
            ids.push((settle(&database.mysql, requester, addressee, status).await, other));
        }
        ids.reverse();
        Self { database, me, ids }
    }

    async fn friends(&self, of: UserId, page: i64) -> Vec<(FriendshipId, UserId)> {
        let list = async |before| self.database.mysql.friendships().list_friends(of, before, size(page)).await;
        every_page(list).await.into_iter().map(|friend| (friend.id, friend.user.id)).collect()
    }

    async fn requests(&self, direction: Direction, page: i64) -> Vec<(FriendshipId, UserId)> {
        let friendships = || self.database.mysql.friendships();
        let list = async |before| friendships().list_requests(self.me, direction, before, size(page)).await;
        every_page(list).await.into_iter().map(|request| (request.id, request.user.id)).collect()
    }
}

#[tokio::test]
async fn relation_is_found_from_either_side() {
    let database = Database::new().await;
    let [a, b] = join_all(&database.mysql, ["aa", "bb"]).await;
    let friendship = ask(&database.mysql, b, a).await;

    for pair in [[a, b], [b, a]] {
        let found = database.mysql.friendships().find_between(pair).await.unwrap();
        assert_eq!(found.as_ref(), Some(&friendship), "{pair:?}");
    }
}

#[tokio::test]
async fn between_strangers_there_is_nothing() {
    let database = Database::new().await;
    let [a, b, c] = join_all(&database.mysql, ["aa", "bb", "cc"]).await;
    ask(&database.mysql, a, b).await;

    assert_eq!(database.mysql.friendships().find_between([a, c]).await.unwrap(), None);
    assert_eq!(database.mysql.friendships().find_of(FriendshipId(9999), a).await.unwrap(), None);
}

#[tokio::test]
async fn friendship_is_found_by_its_two_people_only() {
    let database = Database::new().await;
    let [a, b, c] = join_all(&database.mysql, ["aa", "bb", "cc"]).await;
    let asked = ask(&database.mysql, a, b).await;

    for (user, found) in [(a, Some((asked.clone(), true))), (b, Some((asked.clone(), true))), (c, None)] {
        assert_eq!(database.mysql.friendships().find_of(asked.id, user).await.unwrap(), found, "{user}");
    }
    deactivate(&database, b).await;
    assert_eq!(database.mysql.friendships().find_of(asked.id, a).await.unwrap(), Some((asked, false)));
}

#[tokio::test]
async fn quiet_request_is_received_when_its_time_is_over() {
    let database = Database::new().await;
    let [a, b] = join_all(&database.mysql, ["aa", "bb"]).await;
    let rejected = ask(&database.mysql, a, b).await.changed_to(Rejected, b, NOON);
    let again = rejected.asked_again(LATER);
    database.mysql.friendships().update(&again).await.unwrap();
    let requests = async |of, direction| {
        let page = database.mysql.friendships().list_requests(of, direction, None, size(9)).await.unwrap();
        page.items.into_iter().map(|request| (request.id, request.since)).collect::<Vec<_>>()
    };

    assert_eq!(database.mysql.friendships().find_between([a, b]).await.unwrap(), Some(again.clone()));
    assert_eq!(requests(a, Direction::Sent).await, [(again.id, LATER)]);
    assert_eq!(requests(b, Direction::Received(LATER)).await, []);
    assert_eq!(requests(b, Direction::Received(again.quiet_until.unwrap())).await, [(again.id, LATER)]);
}

#[tokio::test]
async fn friends_are_counted_of_the_one_who_has_more() {
    let circle = Circle::new(7, Accepted).await;
    let friend = circle.ids[0].1;
    let requester = join(&circle.database.mysql, "requester").await;
    ask(&circle.database.mysql, requester, circle.me).await;

    for pair in [[circle.me, friend], [friend, circle.me], [circle.me, requester]] {
        assert_eq!(circle.database.mysql.friendships().count_most(pair).await.unwrap(), 7, "{pair:?}");
    }
}

#[tokio::test]
async fn change_keeps_who_asked_and_when() {
    let database = Database::new().await;
    let [a, b] = join_all(&database.mysql, ["aa", "bb"]).await;
    let asked = ask(&database.mysql, a, b).await;

    database.mysql.friendships().update(&asked.changed_to(Accepted, b, LATER)).await.unwrap();

    let found = database.mysql.friendships().find_of(asked.id, a).await.unwrap();
    assert_eq!(found, Some((Friendship { status: Accepted, updated_at: LATER, ..asked }, true)));
}

#[tokio::test]
async fn new_friendship_gets_a_new_id() {
    let database = Database::new().await;
    let [a, b] = join_all(&database.mysql, ["aa", "bb"]).await;
    let first = settle(&database.mysql, a, b, Rejected).await;
    database.mysql.friendships().remove(first).await.unwrap();

    let second = ask(&database.mysql, b, a).await;

    assert_ne!(second.id, first);
    assert_eq!(database.mysql.friendships().find_of(first, a).await.unwrap(), None);
    assert_eq!(database.mysql.friendships().find_between([a, b]).await.unwrap(), Some(second));
}

#[tokio::test]
async fn friends_come_the_newest_first_whoever_asked() {
    let circle = Circle::new(20, Accepted).await;

    for page in [1, 3, 7, 20, 100] {
        assert_eq!(circle.friends(circle.me, page).await, circle.ids, "pages of {page}");
    }
}

#[tokio::test]
async fn friend_is_listed_with_profile_and_time() {
    let circle = Circle::new(1, Accepted).await;

    let page = circle.database.mysql.friendships().list_friends(circle.me, None, size(1)).await.unwrap();

    assert_eq!(page.items[0].user.username, "other0");
    assert_eq!(page.items[0].since, LATER);
}

#[tokio::test]
async fn inactive_friend_is_not_listed_and_shortens_no_page() {
    let mut circle = Circle::new(12, Accepted).await;
    for place in [0, 1, 4, 11] {
        deactivate(&circle.database, circle.ids[place].1).await;
    }
    for place in [11, 4, 1, 0] {
        circle.ids.remove(place);
    }

    assert_eq!(circle.friends(circle.me, 3).await, circle.ids);
}

#[tokio::test]
async fn only_own_friends_are_listed() {
    let circle = Circle::new(6, Accepted).await;
    let mysql = &circle.database.mysql;
    let (one, other) = (circle.ids[0].1, circle.ids[1].1);
    let theirs = settle(mysql, one, other, Accepted).await;
    let mine = circle.ids.iter().find(|(_, user)| *user == one).unwrap().0;

    assert_eq!(circle.friends(circle.me, 2).await, circle.ids);
    assert_eq!(circle.friends(one, 2).await, [(theirs, other), (mine, circle.me)]);
}

#[tokio::test]
async fn requests_and_what_is_over_are_no_friends() {
    for status in [Pending, Rejected] {
        let circle = Circle::new(4, status).await;
        assert_eq!(circle.friends(circle.me, 3).await, [], "{status:?}");
    }
}

#[tokio::test]
async fn requests_come_the_newest_first_by_who_made_them() {
    let circle = Circle::new(20, Pending).await;
    let sent = |n: &usize| (19 - n) % 5 < 3;
    let (made, got): (Vec<usize>, Vec<usize>) = (0..20).partition(sent);

    for (direction, places) in [(Direction::Sent, made), (Direction::Received(LATER), got)] {
        let expected: Vec<_> = places.into_iter().map(|place| circle.ids[place]).collect();
        for page in [1, 3, 100] {
            assert_eq!(circle.requests(direction, page).await, expected, "{direction:?} in pages of {page}");
        }
    }
}

#[tokio::test]
async fn request_of_inactive_account_is_not_listed() {
    let circle = Circle::new(5, Pending).await;
    for (_, other) in &circle.ids {
        deactivate(&circle.database, *other).await;
    }

    assert_eq!(circle.requests(Direction::Sent, 3).await, []);
    assert_eq!(circle.requests(Direction::Received(LATER), 3).await, []);
}

#[tokio::test]
async fn answered_request_is_not_listed() {
    for status in [Accepted, Rejected] {
        let circle = Circle::new(5, status).await;
        assert_eq!(circle.requests(Direction::Sent, 3).await, [], "{status:?}");
        assert_eq!(circle.requests(Direction::Received(LATER), 3).await, [], "{status:?}");
    }
}

#[tokio::test]
async fn request_shows_when_it_was_made() {
    let circle = Circle::new(1, Pending).await;

    let requests = circle.database.mysql.friendships().list_requests(circle.me, Direction::Sent, None, size(1)).await;

    assert_eq!(requests.unwrap().items[0].since, NOON);
}

async fn ask_unless_asked(tx: &mut Tx, pair: [UserId; 2]) -> Result<FriendshipId, Fault> {
    tx.users().lock_active_pair(pair).await?;
    match tx.friendships().find_between(pair).await? {
        Some(friendship) => Ok(friendship.id),
        None => Ok(tx.friendships().insert(pair[0], pair[1], NOON).await?.id),
    }
}

#[tokio::test]
async fn twenty_requests_at_once_from_both_sides_are_one() {
    let database = Database::new().await;
    let [a, b] = join_all(&database.mysql, ["aa", "bb"]).await;
    let mut requests = JoinSet::new();
    for n in 0..20 {
        let mysql = database.mysql.clone();
        let pair = if n % 2 == 0 { [a, b] } else { [b, a] };
        requests.spawn(async move { mysql.transact(pair, ask_unless_asked).await });
    }

    let ids: HashSet<_> = requests.join_all().await.into_iter().map(Result::unwrap).collect();

    assert_eq!(ids.len(), 1);
}

async fn accept_once(tx: &mut Tx, (id, pair, at): (FriendshipId, [UserId; 2], Timestamp)) -> Result<bool, Fault> {
    tx.users().lock_pair(pair).await?;
    let Some(open) = tx.friendships().lock(id).await?.filter(|friendship| friendship.status == Pending) else {
        return Ok(false);
    };
    tx.friendships().update(&open.changed_to(Accepted, pair[1], at)).await?;
    Ok(true)
}

#[tokio::test]
async fn one_of_twenty_concurrent_answers_decides() {
    let database = Database::new().await;
    let pair = join_all(&database.mysql, ["aa", "bb"]).await;
    let id = ask(&database.mysql, pair[0], pair[1]).await.id;
    let mut answers = JoinSet::new();
    for n in 0..20 {
        let mysql = database.mysql.clone();
        let at = NOON.plus(Duration::from_secs(n));
        answers.spawn(async move { mysql.transact((id, pair, at), accept_once).await });
    }

    let decided = answers.join_all().await.into_iter().filter(|answer| *answer.as_ref().unwrap()).count();

    assert_eq!(decided, 1);
}
