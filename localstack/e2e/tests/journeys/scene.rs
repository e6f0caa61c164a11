//! Those of whom the authorization table tells, and what is between them.

use e2e::{Api, House, Person};
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

/// A room of two with a message of the first, who has asked the second to be friends.
///
/// The author has had another room, with somebody who wrote there and whom the author asked as well, and then blocked.
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

/// What a request is about, which is the same for everyone but those who have a room of their own with the author.
#[derive(Clone)]
pub(crate) struct Aim {
    pub(crate) room: i64,
    pub(crate) message: String,
    /// The author's request to be friends.
    pub(crate) friendship: i64,
    /// The author.
    pub(crate) person: i64,
    pub(crate) username: String,
    /// Another login of the author's.
    pub(crate) session: String,
    /// With what somebody logs in and refreshes.
    pub(crate) email: String,
    pub(crate) refresh_token: String,
}

impl Scene {
    pub(crate) async fn set(house: &House) -> Self {
        let (revoked, deactivated) = tokio::join!(house.register("revoked"), house.register("deactivated"));
        revoked.logout().await;
        deactivate(house, &deactivated).await;
        Self::around(house, revoked, deactivated).await
    }

    /// The same with other people, but for those who can do nothing anyway.
    pub(crate) async fn set_again(&self, house: &House) -> Self {
        Self::around(house, self.revoked.clone(), self.deactivated.clone()).await
    }

    async fn around(house: &House, revoked: Person, deactivated: Person) -> Self {
        let (stranger, author, other, blocked) = tokio::join!(
            house.register("stranger"),
            house.register("author"),
            house.register("other"),
            house.register("blocked"),
        );
        let (room, room_of_blocked) = (author.room_with(&other).await, blocked.room_with(&author).await);
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let aim = Aim {
            room,
            message: text(&author.say(room, "hello").await["id"]),
            friendship: author.befriend(&other).await,
            person: author.id,
            username: text(&author.account["username"]),
            session: author.login().await.session(),
            email: text(&author.account["email"]),
            refresh_token: "none".to_owned(),
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

    /// Everyone's way in and aim, in the order of `PERSONAS`.
    pub(crate) fn everyone(&self, house: &House) -> [(Api, Aim); 7] {
        let people = [&self.stranger, &self.author, &self.other, &self.blocked, &self.revoked, &self.deactivated];
        let mut everyone = vec![(house.api(), self.aim.clone())];
        everyone.extend(people.map(|person| (person.api.clone(), self.aim_of(person))));
        everyone.try_into().unwrap_or_else(|_| unreachable!("nobody and six people"))
    }

    /// What a person's requests are about.
    pub(crate) fn aim_of(&self, person: &Person) -> Aim {
        let aim = if person.id == self.blocked.id { &self.aim_of_blocked } else { &self.aim };
        let email = person.account["email"].as_str().unwrap_or_default().to_owned();
        Aim { email, refresh_token: person.refresh_token.clone(), ..aim.clone() }
    }
}

/// What an operator does about an account.
pub(crate) async fn deactivate(house: &House, person: &Person) {
    let (id, url) = (person.id, house.mysql_url());
    execute(url, &format!("UPDATE users SET is_active = FALSE, version = version + 1 WHERE id = {id}")).await;
    let row = format!("INSERT INTO outbox (aggregate, aggregate_id, created_at) VALUES ('user', {id}, NOW(3))");
    execute(url, &row).await;
    let report = house.relay().await;
    assert!(report.is_ok(), "{report:?}");
}
