//! Links to pictures of people and groups: for whoever sees the person or the group.

use crate::{Desk, MINJI, STRANGER};
use domain::{Access, Member, Person, Picture, Role, RoomId, RoomKey, UploadId, UserId, WideMentions};
use mongo::GroupRights;
use serde_json::{Value, json};
use testkit::NOON;

const JUNHO: UserId = UserId(2);
const GROUP: RoomId = RoomId(7);
const SHOWN: UploadId = UploadId([5; 16]);

fn picture() -> Picture {
    Picture { id: SHOWN, thumbhash: "3OcRJYB4d3h/iIeHeEh3eIhw+j2w".to_owned() }
}

/// Minji, who shows a picture.
fn minji() -> Person {
    Person { avatar: Some(picture()), ..testkit::person(MINJI, "minji") }
}

impl Desk {
    async fn project_person(&self, person: Person) {
        self.mongo().people().project(&person).await.unwrap();
    }

    /// Minji's and Junho's group, which shows a picture.
    async fn project_group(&self, version: i64, is_public: bool) {
        let members = [MINJI, JUNHO].map(|user| Member { user, role: Role::Member }).into();
        let access = Access { room: RoomKey::group(GROUP), version, members, blocked: false };
        let (picture, wide_mentions) = (picture(), WideMentions::Admins);
        let rights = GroupRights { access: &access, name: "x", wide_mentions, is_public, picture: Some(&picture) };
        self.mongo().rooms().project_group(rights, NOON).await.unwrap();
    }

    /// Which of these items someone gets a link to.
    async fn linked(&self, viewer: UserId, items: &[Value]) -> Vec<bool> {
        let answer = self.post(viewer, "/files/links", &json!({ "items": items })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let links = answer.json()["items"].clone();
        links.as_array().unwrap().iter().map(|link| link["url"].is_string()).collect()
    }
}

fn avatar(variant: &str) -> Value {
    json!({ "user_id": MINJI, "id": SHOWN, "variant": variant })
}

fn group_picture(variant: &str) -> Value {
    json!({ "room_id": GROUP, "id": SHOWN, "variant": variant })
}

#[tokio::test]
async fn squares_of_a_profile_are_for_everybody() {
    let desk = Desk::new().await;
    desk.project_person(minji()).await;
    let earlier = json!({ "user_id": MINJI, "id": UploadId([6; 16]), "variant": "small" });
    let of_another = json!({ "user_id": STRANGER, "id": SHOWN, "variant": "small" });
    let items = [avatar("small"), avatar("large"), avatar("original"), earlier, of_another];

    for viewer in [MINJI, JUNHO, STRANGER] {
        assert_eq!(desk.linked(viewer, &items).await, [true, true, false, false, false], "{viewer}");
    }
}

#[tokio::test]
async fn blocked_person_gets_no_link_to_an_avatar() {
    let desk = Desk::new().await;
    desk.project_person(Person { blocked: vec![JUNHO], ..minji() }).await;

    assert_eq!(desk.linked(JUNHO, &[avatar("small")]).await, [false]);
    assert_eq!(desk.linked(STRANGER, &[avatar("small")]).await, [true]);
}

#[tokio::test]
async fn nobody_gets_a_link_to_the_avatar_of_a_deleted_account() {
    let desk = Desk::new().await;
    desk.project_person(minji()).await;
    desk.project_person(Person { version: 2, is_active: false, ..minji() }).await;

    for viewer in [MINJI, JUNHO, STRANGER] {
        assert_eq!(desk.linked(viewer, &[avatar("small")]).await, [false], "{viewer}");
    }
}

#[tokio::test]
async fn picture_of_a_private_group_is_for_members() {
    let desk = Desk::new().await;
    let items = [group_picture("small"), group_picture("large"), group_picture("original")];
    desk.project_group(1, true).await;
    for viewer in [MINJI, STRANGER] {
        assert_eq!(desk.linked(viewer, &items).await, [true, true, false], "{viewer}");
    }

    desk.project_group(2, false).await;

    assert_eq!(desk.linked(JUNHO, &items).await, [true, true, false]);
    assert_eq!(desk.linked(STRANGER, &items).await, [false; 3]);
}

#[tokio::test]
async fn pictures_of_people_and_groups_are_found_at_once() {
    let desk = Desk::new().await;
    desk.project_person(minji()).await;
    desk.project_group(1, true).await;
    let items: Vec<_> = (0..25).flat_map(|_| [avatar("small"), group_picture("small")]).collect();
    let mut profile = desk.profile().await;

    assert_eq!(desk.linked(STRANGER, &items).await, [true; 50]);

    assert_eq!(profile.count().await, 3, "the gate, the people, the rooms");
}
