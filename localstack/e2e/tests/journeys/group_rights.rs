//! The authorization table of groups: what members of each role may do, those who were members, and those who were none.

use e2e::{Api, Person, TestStack, group_message, journey};
use serde_json::{Value, json};

/// A status, and the code of a refusal.
type Outcome = (u16, &'static str);

const OK: Outcome = (200, "");
const MADE: Outcome = (201, "");
const DONE: Outcome = (204, "");
const NO_ROOM: Outcome = (404, "room_not_found");
const NOT_PERMITTED: Outcome = (403, "not_permitted");
const REMOVED: Outcome = (403, "removed_from_room");
const NO_PICTURE: Outcome = (422, "invalid_fields");
const OWNS_IT: Outcome = (409, "owner_must_transfer");

/// Everyone in the order of the table's columns, which is the order in which they ask.
const PERSONAS: [&str; 8] = ["a stranger", "invited", "left", "kicked", "banned", "a member", "an admin", "the owner"];

/// A group with everyone, and what requests aim at.
struct Scene {
    everyone: [Person; 8],
    /// A friend of admin and owner who is not in the group.
    friend: Person,
    /// A member.
    target: Person,
}

/// One group of a scene.
struct Aim {
    group: i64,
    invite: i64,
    code: String,
}

/// A request, and its outcomes in the order of `PERSONAS`.
struct Row {
    method: &'static str,
    path: String,
    body: Option<Value>,
    outcomes: [Outcome; 8],
}

/// The outcomes of a request by the least role that may do it.
fn for_role(role: &str, outcome: Outcome) -> [Outcome; 8] {
    let mut outcomes = [NO_ROOM; 8];
    for (place, roles) in [(5, &["member"][..]), (6, &["member", "admin"]), (7, &["member", "admin", "owner"])] {
        outcomes[place] = if roles.contains(&role) { outcome } else { NOT_PERMITTED };
    }
    outcomes
}

/// The table for a private group, or a public one.
fn routes(Scene { everyone, friend, target }: &Scene, Aim { group, invite, code }: &Aim, is_private: bool) -> Vec<Row> {
    let row = |method, path: String, body, outcomes| Row { method, path, body, outcomes };
    let of = |part: &str| format!("/group-rooms/{group}{part}");
    let (friend, target, banned, member) = (friend.id, target.id, everyone[4].id, everyone[5].id);
    let seen = if is_private { for_role("member", OK) } else { [OK; 8] };
    let joined = if is_private { seen } else { [OK, OK, OK, REMOVED, REMOVED, OK, OK, OK] };
    let mut left = for_role("member", DONE);
    (left[2], left[7]) = (DONE, OWNS_IT);
    let mut added = for_role("admin", OK);
    added[6] = MADE;
    let accepted = [OK, OK, OK, REMOVED, REMOVED, OK, OK, OK];
    vec![
        row("GET", of(""), None, seen),
        row("POST", of("/join"), None, joined),
        row("POST", of("/leave"), None, left),
        row("PUT", of(""), Some(json!({"description": "hi"})), for_role("admin", OK)),
        row("PUT", of("/picture"), Some(json!({"upload_id": "0".repeat(32)})), for_role("admin", NO_PICTURE)),
        row("DELETE", of("/picture"), None, for_role("admin", DONE)),
        row("GET", of("/members"), None, for_role("member", OK)),
        row("POST", of("/members"), Some(json!({"user_id": friend})), added),
        row("PUT", of(&format!("/members/{target}")), Some(json!({"role": "admin"})), for_role("owner", OK)),
        row("DELETE", of(&format!("/members/{target}")), None, for_role("admin", DONE)),
        row("GET", of("/bans"), None, for_role("admin", OK)),
        row("PUT", of(&format!("/bans/{friend}")), None, for_role("admin", DONE)),
        row("DELETE", of(&format!("/bans/{banned}")), None, for_role("admin", DONE)),
        row("GET", of("/invites"), None, for_role("admin", OK)),
        row("POST", of("/invites"), Some(json!({})), for_role("admin", MADE)),
        row("DELETE", of(&format!("/invites/{invite}")), None, for_role("admin", DONE)),
        row("GET", format!("/invites/{code}"), None, [OK; 8]),
        row("POST", format!("/invites/{code}/join"), None, accepted),
        row("POST", of("/transfer"), Some(json!({"user_id": member})), for_role("owner", OK)),
        row("DELETE", of(""), None, for_role("owner", DONE)),
        row("POST", "/messages".to_owned(), Some(group_message(*group, "hi")), for_role("member", MADE)),
        row("GET", format!("/messages/{group}?room_type=group"), None, for_role("member", OK)),
        row("GET", format!("/messages/sync?room_id={group}&room_type=group&after_rev=0"), None, for_role("member", OK)),
        row("GET", format!("/messages/search?q=hi&room_id={group}&room_type=group"), None, for_role("member", OK)),
        row(
            "POST",
            "/messages/read".to_owned(),
            Some(json!({"room_id": group, "room_type": "group", "seq": 1})),
            for_role("member", OK),
        ),
    ]
}

impl Scene {
    async fn set(stack: &TestStack) -> Self {
        let names = ["stranger", "invited", "left", "kicked", "banned", "member", "admin", "owner", "friend", "target"];
        let mut people = Vec::new();
        for name in names {
            people.push(stack.register(name).await);
        }
        let (target, friend) = (people.pop(), people.pop());
        let everyone: [Person; 8] = people.try_into().unwrap_or_else(|_| unreachable!("eight people"));
        let (target, friend) = target.zip(friend).unwrap_or_else(|| unreachable!("ten people"));
        let [.., admin, owner] = &everyone;
        for other in everyone[2..7].iter().chain([&target, &friend]) {
            owner.make_friends(other).await;
        }
        admin.make_friends(&friend).await;
        Self { everyone, friend, target }
    }

    /// A new group, in which everyone is what they are called.
    async fn group(&self, is_private: bool) -> Aim {
        let [_, _, left, kicked, banned, member, admin, owner] = &self.everyone;
        let members = [left, kicked, banned, member, admin, &self.target].map(|person| person.id);
        let group = owner.make_group(&json!({"name": "hiking", "is_private": is_private, "members": members})).await;
        let path = format!("/group-rooms/{group}");
        owner.api.put(&format!("{path}/members/{}", admin.id), &json!({"role": "admin"})).await.with(200);
        left.api.call("POST", &format!("{path}/leave"), None).await.with(204);
        owner.api.delete(&format!("{path}/members/{}", kicked.id)).await.with(204);
        owner.api.call("PUT", &format!("{path}/bans/{}", banned.id), None).await.with(204);
        let (invite, code) = owner.invite_to(group).await;
        Aim { group, invite, code }
    }
}

#[test]
fn group_routes_follow_the_authorization_table() {
    journey(async |stack| {
        let scene = Scene::set(stack).await;
        let mut wrong = Vec::new();
        for is_private in [true, false] {
            let rows = routes(&scene, &scene.group(is_private).await, is_private).len();
            let mut unchanged = None;
            for number in 0..rows {
                let aim = match unchanged.take() {
                    Some(aim) => aim,
                    None => scene.group(is_private).await,
                };
                let Row { method, path, body, outcomes } = routes(&scene, &aim, is_private).swap_remove(number);
                for ((who, person), expected) in PERSONAS.iter().zip(&scene.everyone).zip(outcomes) {
                    let found = ask(&person.api, method, &path, body.as_ref()).await;
                    if (found.0, found.1.as_str()) != expected {
                        wrong
                            .push(format!("{who}, private {is_private}: {method} {path}: {found:?}, not {expected:?}"));
                    }
                }
                // Reading leaves the group as it is for the next row.
                unchanged = (method == "GET").then_some(aim);
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

async fn ask(api: &Api, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
    api.call(method, path, body).await.refusal()
}
