use crate::scene::{ANNA, BORA, EVE, GROUP, ROOM, Scene, access, long_ago, refusal};
use domain::{Code, Fault, MOST_PINS, MessageId, PageSize, Timestamp, UserId};
use messaging::{ListPinned, Pinned, list_pinned, pin_message, sweep};
use mongo::{Anchor, Placement};
use mongodb::bson::{Bson, DateTime, Document, doc};
use std::{collections::HashSet, sync::Arc};
use tokio::task::JoinSet;

const OWNER: UserId = UserId(11);
const ADMIN: UserId = UserId(12);

/// Messages of Anna's in the room of two.
async fn messages(scene: &Scene, number: usize) -> Vec<MessageId> {
    let mut sent = Vec::new();
    for n in 0..number {
        sent.push(scene.send(ANNA, &format!("m{n}"), "안녕").await.unwrap().message.id);
    }
    sent
}

/// The places for pinned messages as they lie in the store.
async fn places(scene: &Scene) -> Vec<Document> {
    let room = scene.collection("rooms").await.find_one(doc! { "_id": ROOM.to_string() }).await.unwrap().unwrap();
    let pins = room.get_array("pins").cloned().unwrap_or_default();
    pins.into_iter().map(|pin| pin.as_document().unwrap().clone()).collect()
}

/// Lets all places be taken so long ago that whoever took them must have died.
async fn age_places(scene: &Scene) {
    let at = Bson::from(DateTime::from_millis(long_ago().millis()));
    let this = doc! { "_id": ROOM.to_string() };
    scene.collection("rooms").await.update_one(this, doc! { "$set": { "pins.$[].at": at } }).await.unwrap();
}

/// Many requests at once, each from an environment of its own.
async fn at_once(scene: &Arc<Scene>, requests: Vec<(MessageId, Pinned)>) -> Vec<Result<(), Fault>> {
    let mut pinning = JoinSet::new();
    for ((id, to), mongo) in requests.iter().copied().zip(scene.environments(requests.len()).await) {
        let scene = Arc::clone(scene);
        pinning.spawn(
            async move { pin_message(&scene.messenger_of(&mongo), &scene.author(ANNA), id, to).await.map(drop) },
        );
    }
    pinning.join_all().await
}

#[tokio::test]
async fn either_of_two_people_pins_a_message() {
    let scene = Scene::new().await;
    for (user, name) in [(ANNA, "phone"), (BORA, "tablet")] {
        scene.connect(user, name).await;
    }
    let id = messages(&scene, 1).await[0];

    let pinned = scene.pin(BORA, id).await.unwrap();

    assert_eq!(pinned.pinned_by, Some(BORA));
    assert!(pinned.pinned_at.is_some() && !pinned.is_edited);
    let listed = scene.list(ANNA, Anchor::Newest, 10).await.unwrap().items.remove(0);
    let synced = scene.sync_settled(ANNA, pinned.rev.0 - 1, 10).await.items.remove(0);
    for view in [listed, synced] {
        assert_eq!((view.rev, view.pinned_at, view.pinned_by), (pinned.rev, pinned.pinned_at, Some(BORA)));
    }
    for name in ["phone", "tablet"] {
        let frame = scene.pushed.frames(name).pop().unwrap();
        assert_eq!((&frame["t"], &frame["d"]["pinned_by"]), (&"message.updated".into(), &BORA.0.into()));
    }
    assert_eq!(scene.pinned(ANNA, ROOM).await.unwrap(), [id]);
}

#[tokio::test]
async fn pinning_twice_and_unpinning_twice_change_nothing() {
    let scene = Scene::new().await;
    let id = messages(&scene, 1).await[0];
    let first = scene.pin(ANNA, id).await.unwrap();
    scene.is_delivered(id).await;
    let again = scene.pin(BORA, id).await.unwrap();
    assert_eq!((again.rev, again.pinned_by), (first.rev, Some(ANNA)));

    let first = scene.unpin(BORA, id).await.unwrap();
    assert_eq!((first.pinned_at, first.pinned_by), (None, None));
    scene.is_delivered(id).await;
    assert_eq!(scene.unpin(ANNA, id).await.unwrap().rev, first.rev);
    assert_eq!(scene.pinned(ANNA, ROOM).await.unwrap(), []);
    assert_eq!(places(&scene).await, []);
}

#[tokio::test]
async fn staff_of_a_group_pins_and_members_do_not() {
    let scene = Scene::new().await;
    scene.group(1, OWNER, ADMIN, &[ANNA, BORA]).await;
    let id = scene.say(ANNA, "안녕").await.id;

    assert_eq!(refusal(scene.pin(ANNA, id).await), Code::NotPermitted);
    assert_eq!(refusal(scene.pin(EVE, id).await), Code::MessageNotFound);
    for user in [ADMIN, OWNER] {
        scene.pin(user, id).await.unwrap();
        assert_eq!(refusal(scene.pin(ANNA, id).await), Code::NotPermitted);
        assert_eq!(refusal(scene.unpin(ANNA, id).await), Code::NotPermitted);
        assert_eq!(scene.pinned(ANNA, GROUP).await.unwrap(), [id]);
        assert_eq!(refusal(scene.pinned(EVE, GROUP).await), Code::RoomNotFound);
        scene.unpin(user, id).await.unwrap();
    }

    // The admin is a member, and the owner is gone.
    scene.group(2, ANNA, BORA, &[ADMIN]).await;
    assert_eq!(refusal(scene.pin(ADMIN, id).await), Code::NotPermitted);
    assert_eq!(refusal(scene.pin(OWNER, id).await), Code::MessageNotFound);
    scene.pin(BORA, id).await.unwrap();
}

#[tokio::test]
async fn nobody_pins_across_a_block_and_both_see_what_is_pinned() {
    let scene = Scene::new().await;
    let ids = messages(&scene, 2).await;
    scene.pin(ANNA, ids[0]).await.unwrap();
    scene.block(2).await;

    for user in [ANNA, BORA] {
        assert_eq!(refusal(scene.pin(user, ids[1]).await), Code::RecipientUnavailable);
        assert_eq!(refusal(scene.unpin(user, ids[0]).await), Code::RecipientUnavailable);
        assert_eq!(scene.pinned(user, ROOM).await.unwrap(), [ids[0]]);
    }
    scene.project(&access(3, &[ANNA])).await;
    assert_eq!(refusal(scene.pinned(BORA, ROOM).await), Code::RoomNotFound);
    assert_eq!(refusal(scene.pin(BORA, ids[0]).await), Code::MessageNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn room_has_at_most_fifty_pins_however_many_come_at_once() {
    let scene = Arc::new(Scene::new().await);
    let ids = messages(&scene, MOST_PINS + 10).await;
    for id in &ids[..MOST_PINS - 10] {
        scene.pin(ANNA, *id).await.unwrap();
    }

    let wanted = ids[MOST_PINS - 10..].iter().map(|id| (*id, Pinned::There)).collect();
    let outcomes = at_once(&scene, wanted).await;

    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 10);
    assert!(outcomes.into_iter().filter_map(Result::err).all(|fault| fault.code == Code::TooManyPins));
    let pinned = scene.pinned(BORA, ROOM).await.unwrap();
    assert_eq!(pinned.len(), MOST_PINS);
    // One that is there already is no new one, and an unpinned one leaves its place.
    scene.pin(BORA, pinned[0]).await.unwrap();
    scene.unpin(BORA, pinned[0]).await.unwrap();
    let other = ids.iter().find(|id| !pinned.contains(id)).unwrap();
    scene.pin(BORA, *other).await.unwrap();
    assert_eq!(scene.pinned(BORA, ROOM).await.unwrap()[0], *other);
    assert_eq!(refusal(scene.pin(BORA, pinned[0]).await), Code::TooManyPins);
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_those_of_the_pinned_after_pins_and_unpins_at_once() {
    let scene = Arc::new(Scene::new().await);
    let ids = messages(&scene, 3).await;
    let requests = (0..24).map(|n| (ids[n % 3], if n % 2 == 0 { Pinned::There } else { Pinned::Gone })).collect();

    for outcome in at_once(&scene, requests).await {
        outcome.unwrap();
    }

    let pinned: HashSet<_> = scene.pinned(ANNA, ROOM).await.unwrap().into_iter().collect();
    for id in ids {
        assert_eq!(scene.find(id).await.message.pin.is_some(), pinned.contains(&id), "the list shows what is pinned");
        if !pinned.contains(&id) {
            scene.pin(ANNA, id).await.unwrap();
        }
        scene.unpin(ANNA, id).await.unwrap();
    }
    assert_eq!(places(&scene).await, []);
}

#[tokio::test]
async fn place_of_a_dead_request_is_given_to_the_next() {
    let scene = Scene::new().await;
    let ids = messages(&scene, MOST_PINS + 2).await;
    for id in &ids[..MOST_PINS - 1] {
        scene.pin(ANNA, *id).await.unwrap();
    }
    // A request that took the last place and stopped before it wrote.
    let (late, next) = (ids[MOST_PINS], ids[MOST_PINS + 1]);
    let position = scene.reserve(Placement::Pin(late)).await;
    assert_eq!(refusal(scene.pin(BORA, next).await), Code::TooManyPins, "it may still write");

    age_places(&scene).await;
    scene.pin(BORA, next).await.unwrap();

    let mut causal = scene.mongo().causal().await.unwrap();
    let written = scene.mongo().messages().pin(&mut causal, late, ANNA, &position, long_ago()).await.unwrap();
    assert!(written.is_none(), "it comes too late");
    assert_eq!(refusal(scene.pin(ANNA, late).await), Code::TooManyPins);
    assert_eq!(scene.pinned(ANNA, ROOM).await.unwrap().len(), MOST_PINS);
}

#[tokio::test]
async fn deleted_message_is_pinned_no_more_and_leaves_its_place() {
    let scene = Scene::new().await;
    let ids = messages(&scene, 2).await;
    for id in &ids {
        scene.pin(ANNA, *id).await.unwrap();
    }

    let tombstone = scene.delete(ANNA, ids[0]).await.unwrap();

    assert_eq!((tombstone.pinned_at, tombstone.pinned_by), (None, None));
    assert_eq!(scene.pinned(BORA, ROOM).await.unwrap(), [ids[1]]);
    assert_eq!(places(&scene).await.len(), 1);
    assert_eq!(refusal(scene.pin(ANNA, ids[0]).await), Code::MessageNotFound);
    assert_eq!(refusal(scene.unpin(ANNA, ids[0]).await), Code::MessageNotFound);
}

#[tokio::test]
async fn place_of_a_deletion_that_died_is_given_to_the_next() {
    let scene = Scene::new().await;
    let ids = messages(&scene, MOST_PINS + 1).await;
    for id in &ids[..MOST_PINS] {
        scene.pin(ANNA, *id).await.unwrap();
    }
    let position = scene.reserve(Placement::Deletion(ids[0])).await;
    let mut causal = scene.mongo().causal().await.unwrap();
    scene.mongo().messages().delete(&mut causal, ids[0], &position, long_ago()).await.unwrap().unwrap();
    age_places(&scene).await;

    scene.pin(BORA, ids[MOST_PINS]).await.unwrap();

    assert_eq!(places(&scene).await.len(), MOST_PINS);
    let swept = sweep(&scene.messenger(), 10, Timestamp::from_millis(i64::MAX)).await.unwrap();
    assert_eq!(swept.failed, 0);
}

#[tokio::test]
async fn pinned_messages_are_listed_in_pages_the_newest_pin_first() {
    let scene = Scene::new().await;
    let ids = messages(&scene, 5).await;
    let question = ids[3];
    let reply = scene.reply(BORA, "reply", "그래", question).await.message.id;
    let mut expected = Vec::new();
    for id in [ids[4], ids[0], reply, ids[2]] {
        scene.pin(ANNA, id).await.unwrap();
        expected.insert(0, id);
        // Pins of one millisecond are listed by id.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }

    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let query = ListPinned { room: ROOM, user: BORA, size: PageSize::parse(Some(1)).unwrap() };
        let page = list_pinned(scene.mongo(), query, after.as_ref()).await.unwrap();
        for message in page.items {
            assert_eq!(message.quote.is_some(), message.id == reply);
            found.push(message.id);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }

    assert_eq!(found, expected);
}

#[tokio::test]
async fn pin_takes_as_many_commands_as_an_edit() {
    let scene = Scene::new().await;
    let id = messages(&scene, 1).await[0];
    let mut profile = testkit::mongo::Profile::of(&scene.database).await;

    scene.edit(ANNA, id, "x").await.unwrap();
    let edit = profile.count().await;
    scene.pin(ANNA, id).await.unwrap();
    assert_eq!(profile.count().await, edit);
    scene.pinned(ANNA, ROOM).await.unwrap();
    assert_eq!(profile.count().await, 1);
    scene.delete(ANNA, id).await.unwrap();
    assert_eq!(profile.count().await, edit);
}
