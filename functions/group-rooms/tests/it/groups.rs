use axum::http::Method;
use domain::{Aggregate, FriendshipStatus, Role, RoomId, RoomKey, UserId};
use group_rooms::App;
use serde_json::{Value, json};
use std::ops::Deref;
use testkit::{Answer, Door, NOON, Stores, draft};

/// The function's routes, and what people ask of them.
#[derive(Clone)]
pub(crate) struct Groups(pub(crate) Door<App>);

impl Deref for Groups {
    type Target = Door<App>;

    fn deref(&self) -> &Door<App> {
        &self.0
    }
}

/// Where codes of invites are taken.
pub(crate) const PAGE: &str = "https://chat.example.com/join";

impl Groups {
    pub(crate) async fn new() -> Self {
        let stores = Stores::new().await;
        let app = App { backend: stores.backend(), invite_url: Some(PAGE.into()) };
        Self(Door::over(stores, group_rooms::routes, app))
    }

    /// So many people, who are friends of the first one.
    pub(crate) async fn friends<const N: usize>(&self) -> [UserId; N] {
        let mut people = Vec::new();
        for n in 0..N {
            people.push(self.join(&format!("person{n}")).await);
        }
        for other in &people[1..] {
            self.befriend(people[0], *other).await;
        }
        people.try_into().unwrap()
    }

    pub(crate) async fn befriend(&self, one: UserId, other: UserId) {
        let friendships = || self.mysql().friendships();
        let asked = friendships().insert(one, other, NOON).await.unwrap();
        friendships().update(&asked.changed_to(FriendshipStatus::Accepted, other, NOON)).await.unwrap();
    }

    pub(crate) async fn post(&self, caller: UserId, path: impl AsRef<str>, body: &Value) -> Answer {
        self.call(caller, Method::POST, path, body).await
    }

    pub(crate) async fn put(&self, caller: UserId, path: impl AsRef<str>, body: &Value) -> Answer {
        self.call(caller, Method::PUT, path, body).await
    }

    pub(crate) async fn delete(&self, caller: UserId, path: impl AsRef<str>) -> Answer {
        self.call(caller, Method::DELETE, path, &Value::Null).await
    }

    /// A public group of an owner and some friends of theirs.
    pub(crate) async fn public(&self, owner: UserId, members: &[UserId]) -> RoomId {
        self.made(owner, &json!({"name": "등산 모임", "members": members})).await
    }

    /// The same of a private group.
    pub(crate) async fn private(&self, owner: UserId, members: &[UserId]) -> RoomId {
        self.made(owner, &json!({"name": "가족", "is_private": true, "members": members})).await
    }

    /// The id of a new group.
    pub(crate) async fn made(&self, owner: UserId, body: &Value) -> RoomId {
        let answer = self.post(owner, "/group-rooms", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        RoomId(answer.json()["id"].as_i64().unwrap().try_into().unwrap())
    }

    pub(crate) async fn show(&self, caller: UserId, room: RoomId) -> Value {
        let answer = self.get(caller, format!("/group-rooms/{room}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    pub(crate) async fn enter(&self, caller: UserId, room: RoomId) -> Answer {
        self.post(caller, format!("/group-rooms/{room}/join"), &Value::Null).await
    }

    pub(crate) async fn leave(&self, caller: UserId, room: RoomId) -> Answer {
        self.post(caller, format!("/group-rooms/{room}/leave"), &Value::Null).await
    }

    pub(crate) async fn transfer(&self, caller: UserId, room: RoomId, to: UserId) -> Answer {
        self.post(caller, format!("/group-rooms/{room}/transfer"), &json!({"user_id": to})).await
    }

    pub(crate) async fn add(&self, caller: UserId, room: RoomId, user: UserId) -> Answer {
        self.post(caller, format!("/group-rooms/{room}/members"), &json!({"user_id": user})).await
    }

    pub(crate) async fn kick(&self, caller: UserId, room: RoomId, user: UserId) -> Answer {
        self.delete(caller, format!("/group-rooms/{room}/members/{user}")).await
    }

    pub(crate) async fn appoint(&self, caller: UserId, room: RoomId, user: UserId, role: &str) -> Answer {
        self.put(caller, format!("/group-rooms/{room}/members/{user}"), &json!({"role": role})).await
    }

    pub(crate) async fn ban(&self, caller: UserId, room: RoomId, user: UserId) -> Answer {
        self.put(caller, format!("/group-rooms/{room}/bans/{user}"), &Value::Null).await
    }

    pub(crate) async fn unban(&self, caller: UserId, room: RoomId, user: UserId) -> Answer {
        self.delete(caller, format!("/group-rooms/{room}/bans/{user}")).await
    }

    /// A new invite with its code.
    pub(crate) async fn invite(&self, caller: UserId, room: RoomId, body: &Value) -> Value {
        let answer = self.post(caller, format!("/group-rooms/{room}/invites"), body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }

    pub(crate) async fn accept(&self, caller: UserId, code: &str) -> Answer {
        self.post(caller, format!("/invites/{code}/join"), &Value::Null).await
    }

    /// The ids of the items of a list that a path answers.
    pub(crate) async fn ids(&self, caller: UserId, path: impl AsRef<str>) -> Vec<i64> {
        let answer = self.get(caller, path).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let id = |item: &Value| item["user"]["id"].as_i64().or_else(|| item["id"].as_i64()).unwrap();
        answer.json()["items"].as_array().unwrap().iter().map(id).collect()
    }

    /// The role that the message path knows.
    pub(crate) async fn role(&self, room: RoomId, user: UserId) -> Option<Role> {
        self.rights(RoomKey::group(room), user).await.map(|rights| rights.role)
    }

    /// Whether a reservation for a message of somebody's is given out.
    pub(crate) async fn may_send(&self, room: RoomId, user: UserId) -> bool {
        let placement = mongo::Placement::New(mongo::Messages::new_id());
        self.mongo().rooms().reserve(RoomKey::group(room), Some(user), placement).await.unwrap().is_some()
    }

    /// Puts a message into a group.
    pub(crate) async fn say(&self, room: RoomId, user: UserId, text: &str) {
        self.leave_message(&draft(RoomKey::group(room), user, "1", text), NOON).await;
    }

    /// Puts somebody into so many other groups, of which MongoDB does not learn.
    pub(crate) async fn fill(&self, user: UserId, number: i32) {
        let digits = "(SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4
            UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)";
        let columns = "name, is_private, created_by, member_count, created_at, updated_at";
        let rooms = format!(
            "INSERT INTO group_chat_rooms ({columns}) SELECT 'filled', TRUE, {user}, 1, NOW(3), NOW(3)
             FROM {digits} a, {digits} b, {digits} c WHERE a.d + 10 * b.d + 100 * c.d < {number}"
        );
        let members = format!(
            "INSERT INTO group_room_members (user_id, group_room_id, role, joined_at, created_at, updated_at)
             SELECT {user}, id, 'owner', NOW(3), NOW(3), NOW(3) FROM group_chat_rooms WHERE name = 'filled'"
        );
        self.execute(&rooms).await;
        self.execute(&members).await;
    }

    /// Puts so many more people into a group.
    pub(crate) async fn crowd(&self, room: RoomId, number: i32) {
        if number > 0 {
            let crowd = self.join_crowd(number).await;
            let (first, last) = (crowd[0], crowd[crowd.len() - 1]);
            let members = format!(
                "INSERT INTO group_room_members (user_id, group_room_id, joined_at, created_at, updated_at)
                 SELECT id, {room}, NOW(3), NOW(3), NOW(3) FROM users WHERE id BETWEEN {first} AND {last}"
            );
            self.execute(&members).await;
        }
        let raise = "version = version + 1, max_members = 1000";
        self.execute(&format!(
            "UPDATE group_chat_rooms SET {raise}, member_count = member_count + {number} WHERE id = {room}"
        ))
        .await;
        self.projector().project(Aggregate::GroupRoom(room)).await.unwrap();
    }

    /// Both stores agree on who is in a group, and as what.
    pub(crate) async fn agree(&self, room: RoomId, people: &[UserId]) {
        for user in people {
            let of = self.mysql().members().find(room, *user).await.unwrap();
            let of = of.filter(|of| of.state == domain::MembershipState::Active);
            assert_eq!(self.role(room, *user).await, of.map(|of| of.role), "{user}");
        }
        assert_eq!(self.mysql().outbox().count().await.unwrap(), 0);
    }
}

/// A refusal as its parts.
pub(crate) fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
