//! The people of the authorization table, and their relations.

use e2e::{Api, Person, TestStack};
use serde_json::json;
use testkit::mysql::execute;

/// Everyone in the order of the table's columns.
pub(crate) const PERSONAS: [&str; 7] = [
    "nobody",
    "a stranger",
    "the author",
    "the other member",
    "whoever the author blocked",
    "whoever logged out",
    "whoever was deactivated",
];

/// A private room with a message of the author, who has sent the other member a friend request.
///
/// The author has another room with someone who wrote there, got a friend request too, and was then blocked, and a private group
/// with nobody else.
pub(crate) struct Scene {
    pub(crate) stranger: Person,
    pub(crate) author: Person,
    pub(crate) other: Person,
    pub(crate) blocked: Person,
    pub(crate) revoked: Person,
    pub(crate) deactivated: Person,
    pub(crate) room: i64,
    aim: Aim,
    aim_of_blocked: Aim,
}

/// The target of a request: the same for everyone except the blocked person, who has a room of their own with the author.
#[derive(Clone)]
pub(crate) struct Aim {
    pub(crate) room: i64,
    pub(crate) message: String,
    /// The author's friend request.
    pub(crate) friendship: i64,
    /// The author.
    pub(crate) person: i64,
    pub(crate) username: String,
    /// Another session of the author.
    pub(crate) session: String,
    /// The caller's address, and refresh token below.
    pub(crate) email: String,
    pub(crate) refresh_token: String,
    /// The author's private group, and an invite to it.
    pub(crate) group: i64,
    pub(crate) invite: i64,
    pub(crate) code: String,
    /// A file that the author has begun to upload.
    pub(crate) upload: String,
}

impl Scene {
    pub(crate) async fn set(stack: &TestStack) -> Self {
        let (revoked, deactivated) = tokio::join!(stack.register("revoked"), stack.register("deactivated"));
        revoked.logout().await;
        deactivate(stack, &deactivated).await;
        Self::around(stack, revoked, deactivated).await
    }

    /// The same scene with new people, except those without a valid login.
    pub(crate) async fn set_again(&self, stack: &TestStack) -> Self {
        Self::around(stack, self.revoked.clone(), self.deactivated.clone()).await
    }

    async fn around(stack: &TestStack, revoked: Person, deactivated: Person) -> Self {
        let (stranger, author, other, blocked) = tokio::join!(
            stack.register("stranger"),
            stack.register("author"),
            stack.register("other"),
            stack.register("blocked"),
        );
        let (room, room_of_blocked) = (author.room_with(&other).await, blocked.room_with(&author).await);
        let private = |name: &str| json!({"name": name, "is_private": true});
        let group = author.make_group(&private("author's")).await;
        let (invite, code) = author.invite_to(group).await;
        // Without a group of their own, a list of groups would be answered without asking for any.
        other.make_group(&private("other's")).await;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let upload = author.api.post("/uploads", &small_file("author's")).await.with(201);
        let aim = Aim {
            room,
            message: text(&author.say(room, "hello").await["id"]),
            friendship: author.befriend(&other).await,
            person: author.id,
            username: text(&author.account["username"]),
            session: author.login().await.session(),
            email: text(&author.account["email"]),
            refresh_token: "none".to_owned(),
            group,
            invite,
            code,
            upload: text(&upload["id"]),
        };
        let aim_of_blocked = Aim {
            room: room_of_blocked,
            message: text(&blocked.say(room_of_blocked, "hello").await["id"]),
            friendship: author.befriend(&blocked).await,
            ..aim.clone()
        };
        author.block(&blocked).await;
        Self { stranger, author, other, blocked, revoked, deactivated, room, aim, aim_of_blocked }
    }

    /// Everyone's API and target, in the order of `PERSONAS`.
    pub(crate) fn everyone(&self, stack: &TestStack) -> [(Api, Aim); 7] {
        let people = [&self.stranger, &self.author, &self.other, &self.blocked, &self.revoked, &self.deactivated];
        let mut everyone = vec![(stack.api(), self.aim.clone())];
        everyone.extend(people.map(|person| (person.api.clone(), self.aim_of(person))));
        everyone.try_into().unwrap_or_else(|_| unreachable!("nobody and six people"))
    }

    /// The target of a person's requests.
    pub(crate) fn aim_of(&self, person: &Person) -> Aim {
        let aim = if person.id == self.blocked.id { &self.aim_of_blocked } else { &self.aim };
        let email = person.account["email"].as_str().unwrap_or_default().to_owned();
        Aim { email, refresh_token: person.refresh_token.clone(), ..aim.clone() }
    }
}

/// A file to upload that has one byte.
pub(crate) fn small_file(client_id: &str) -> serde_json::Value {
    json!({
        "kind": "file", "name": "a.txt", "size": 1, "type": "text/plain", "client_id": client_id,
        "sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    })
}

/// Deactivates an account, as an operator does.
pub(crate) async fn deactivate(stack: &TestStack, person: &Person) {
    let (id, url) = (person.id, stack.mysql_url());
    execute(url, &format!("UPDATE users SET is_active = FALSE, version = version + 1 WHERE id = {id}")).await;
    let row = format!("INSERT INTO outbox (aggregate, aggregate_id, created_at) VALUES ('user', {id}, NOW(3))");
    execute(url, &row).await;
    let report = stack.relay().await;
    assert!(report.is_ok(), "{report:?}");
}
