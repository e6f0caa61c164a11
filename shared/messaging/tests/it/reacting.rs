use crate::scene::{ANNA, BORA, EVE, Scene, access, eventually, long_ago, now, refusal};
use contract::{MessageView, ReactionView};
use domain::{Code, ConnectionId, Emoji, MOST_EMOJIS, MOST_REACTORS, PageSize, Reactor, Timestamp, UserId};
use messaging::{Author, ListReactors, React, Reacted, Swept, list_reactors, react, sweep};
use mongo::{Anchor, Mongo, Placement, ReactorKey};
use mongodb::bson::{DateTime, doc, oid::ObjectId};
use std::{collections::HashSet, sync::Arc};
use tokio::task::JoinSet;

/// What a view says of an emoji: how many people reacted with it, and whether the viewer did.
fn counts(view: &MessageView) -> Vec<(&str, u32, Option<bool>)> {
    view.reactions.iter().map(|ReactionView { emoji, count, mine }| (emoji.as_str(), *count, *mine)).collect()
}

/// A group of so many people.
async fn crowd(scene: &Scene, number: i32) -> Vec<UserId> {
    let people: Vec<_> = (1..=number).map(UserId).collect();
    scene.group_of(1, &people).await;
    people
}

/// Everybody does the same at once, each from an environment of their own.
async fn all_at_once(
    scene: &Arc<Scene>,
    people: &[UserId],
    command: impl Fn(usize) -> React,
) -> Vec<Result<MessageView, domain::Fault>> {
    let mut reacting = JoinSet::new();
    for (n, (user, mongo)) in people.iter().copied().zip(scene.environments(people.len()).await).enumerate() {
        let (scene, command) = (Arc::clone(scene), command(n));
        reacting.spawn(async move { react(&scene.messenger_of(&mongo), &scene.author(user), command).await });
    }
    reacting.join_all().await
}

async fn reactors(mongo: &Mongo, query: ListReactors) -> Vec<Reactor> {
    let (mut all, mut after): (Vec<_>, Option<ReactorKey>) = (Vec::new(), None);
    loop {
        let page = list_reactors(mongo, query, after.as_ref()).await.unwrap();
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

#[tokio::test]
async fn reaction_is_counted_for_all_and_marked_for_its_author() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "a", "안녕").await.unwrap().message.id;

    let reacted = scene.react(BORA, id, "👍").await.unwrap();

    assert_eq!(counts(&reacted), [("👍", 1, Some(true))]);
    for (user, mine) in [(ANNA, false), (BORA, true)] {
        let listed = scene.list(user, Anchor::Newest, 10).await.unwrap().items.remove(0);
        let synced = scene.sync_settled(user, reacted.rev.0 - 1, 10).await.items.remove(0);
        assert_eq!(counts(&listed), [("👍", 1, Some(mine))]);
        assert_eq!((counts(&synced), synced.rev), (vec![("👍", 1, Some(mine))], reacted.rev));
    }
}

#[tokio::test]
async fn pushed_reaction_says_how_many_and_not_who() {
    let scene = Scene::new().await;
    for (user, name) in [(ANNA, "phone"), (BORA, "tablet"), (BORA, "laptop")] {
        scene.connect(user, name).await;
    }
    let id = scene.send(ANNA, "a", "안녕").await.unwrap().message.id;
    let laptop = ConnectionId("laptop".to_owned());
    let author = Author { connection: Some(&laptop), ..scene.author(BORA) };
    let command = React { message: id, emoji: Emoji::parse("👍").unwrap(), to: Reacted::There };

    let reacted = react(&scene.messenger(), &author, command).await.unwrap();

    for name in ["phone", "tablet"] {
        let frame = scene.pushed.frames(name).pop().unwrap();
        assert_eq!((&frame["t"], &frame["rev"]), (&"reaction.changed".into(), &reacted.rev.0.into()));
        assert_eq!(frame["d"]["reactions"], serde_json::json!([{ "emoji": "👍", "count": 1 }]));
        assert_eq!(frame["d"]["content"], "안녕", "a frame carries the whole message");
    }
    assert_eq!(scene.pushed.frames("laptop").len(), 1, "who reacts hears by the answer");
}

#[tokio::test]
async fn reacting_twice_changes_nothing() {
    let scene = Scene::new().await;
    scene.connect(ANNA, "phone").await;
    let id = scene.send(ANNA, "a", "안녕").await.unwrap().message.id;
    let first = scene.react(BORA, id, "❤️").await.unwrap();
    scene.is_delivered(id).await;
    let pushed = scene.pushed.count();

    // The same emoji without its selector.
    let again = scene.react(BORA, id, "❤").await.unwrap();

    assert_eq!((again.rev, counts(&again)), (first.rev, vec![("❤️", 1, Some(true))]));
    assert_eq!(scene.pushed.count(), pushed);
}

#[tokio::test]
async fn reaction_is_taken_back_alone() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "a", "안녕").await.unwrap().message.id;
    for (user, emoji) in [(ANNA, "👍"), (BORA, "👍"), (BORA, "🎉")] {
        scene.react(user, id, emoji).await.unwrap();
    }

    let left = scene.unreact(BORA, id, "👍").await.unwrap();
    assert_eq!(counts(&left), [("👍", 1, Some(false)), ("🎉", 1, Some(true))]);
    scene.is_delivered(id).await;
    let again = scene.unreact(BORA, id, "👍").await.unwrap();
    assert_eq!((again.rev, counts(&again)), (left.rev, counts(&left)));

    let left = scene.unreact(ANNA, id, "👍").await.unwrap();
    assert_eq!(counts(&left), [("🎉", 1, Some(false))], "an emoji that nobody uses is gone");
    scene.unreact(BORA, id, "🎉").await.unwrap();
    assert_eq!(counts(&scene.newest().await[0]), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_concurrent_reactions_all_count() {
    let scene = Arc::new(Scene::new().await);
    let people = crowd(&scene, 50).await;
    let id = scene.say(ANNA, "안녕").await.id;
    let emojis = ["👍", "🎉"].map(|emoji| Emoji::parse(emoji).unwrap());

    let outcomes =
        all_at_once(&scene, &people, |n| React { message: id, emoji: emojis[n % 2], to: Reacted::There }).await;

    let revs: HashSet<_> = outcomes.iter().map(|outcome| outcome.as_ref().unwrap().rev).collect();
    assert_eq!(revs.len(), 50, "each is a change of its own");
    let row = scene.find(id).await.message;
    let mut found: Vec<_> = row.reactions.iter().map(|it| (it.emoji.as_str(), it.count)).collect();
    found.sort_unstable();
    assert_eq!(found, [("🎉", 25), ("👍", 25)]);
    let all = ListReactors { message: id, user: ANNA, emoji: None, size: PageSize::parse(Some(7)).unwrap() };
    let who: HashSet<_> = reactors(scene.mongo(), all).await.into_iter().map(|one| one.user).collect();
    assert_eq!(who.len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_equal_concurrent_reactions_count_once() {
    let scene = Arc::new(Scene::new().await);
    let people = crowd(&scene, 2).await;
    let id = scene.say(ANNA, "안녕").await.id;
    let emoji = Emoji::parse("👍").unwrap();

    let outcomes = all_at_once(&scene, &[people[1]; 20], |_| React { message: id, emoji, to: Reacted::There }).await;

    assert!(outcomes.iter().all(|outcome| counts(outcome.as_ref().unwrap()) == [("👍", 1, Some(true))]));
}

#[tokio::test]
async fn emoji_has_at_most_two_thousand_people() {
    let scene = Scene::new().await;
    crowd(&scene, 3).await;
    let id = scene.say(ANNA, "안녕").await.id;
    let at = DateTime::from_millis(now().millis());
    let users: Vec<_> =
        (10..10 + i32::try_from(MOST_REACTORS).unwrap()).map(|user| doc! { "user": user, "at": at }).collect();
    let full = doc! { "$set": { "reactions": [{ "emoji": "👍", "users": users }] } };
    scene.collection("messages").await.update_one(doc! { "_id": ObjectId::from_bytes(id.0) }, full).await.unwrap();

    assert_eq!(refusal(scene.react(ANNA, id, "👍").await), Code::TooManyReactions);
    scene.react(ANNA, id, "🎉").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn message_has_at_most_twenty_emojis_however_many_come_at_once() {
    let scene = Arc::new(Scene::new().await);
    let people = crowd(&scene, 30).await;
    let id = scene.say(ANNA, "안녕").await.id;
    let emojis: Vec<_> = "😀😃😄😁😆😅🤣😂🙂🙃🫠😉😊😇🥰😍🤩😘😗😚😙🥲😋😛😜🤪😝🤑🤗🤭"
        .chars()
        .map(|emoji| Emoji::parse(&emoji.to_string()).unwrap())
        .collect();

    let outcomes = all_at_once(&scene, &people, |n| React { message: id, emoji: emojis[n], to: Reacted::There }).await;

    let accepted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let refused = outcomes.into_iter().filter_map(Result::err).map(|fault| fault.code);
    assert!(refused.into_iter().all(|code| code == Code::TooManyReactions));
    assert_eq!(accepted, MOST_EMOJIS);
    let there = scene.find(id).await.message.reactions;
    assert_eq!(there.len(), MOST_EMOJIS);
    // Another person may still join in, and a place that is left is free again.
    scene.react(EVE, id, &there[0].emoji).await.unwrap();
    let left = emojis.iter().find(|emoji| there.iter().all(|it| it.emoji != emoji.as_str())).unwrap();
    assert_eq!(refusal(scene.react(EVE, id, left.as_str()).await), Code::TooManyReactions);
    let by = people[emojis.iter().position(|emoji| emoji.as_str() == there[1].emoji).unwrap()];
    scene.unreact(by, id, &there[1].emoji).await.unwrap();
    scene.react(EVE, id, left.as_str()).await.unwrap();
}

#[tokio::test]
async fn deleted_message_has_no_reactions_and_gets_none() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "a", "안녕").await.unwrap().message.id;
    scene.react(BORA, id, "👍").await.unwrap();

    let tombstone = scene.delete(ANNA, id).await.unwrap();

    assert_eq!(counts(&tombstone), []);
    let row = scene.collection("messages").await.find_one(doc! { "_id": ObjectId::from_bytes(id.0) }).await.unwrap();
    assert!(!row.unwrap().contains_key("reactions"), "who reacted is forgotten too");
    assert_eq!(refusal(scene.react(BORA, id, "👍").await), Code::MessageNotFound);
    assert_eq!(refusal(scene.unreact(BORA, id, "👍").await), Code::MessageNotFound);
    let all = ListReactors { message: id, user: BORA, emoji: None, size: PageSize::LARGEST };
    assert_eq!(reactors(scene.mongo(), all).await, []);
}

#[tokio::test]
async fn block_ends_reacting_and_keeps_nobody_from_taking_back() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "a", "안녕").await.unwrap().message.id;
    scene.react(BORA, id, "👍").await.unwrap();
    scene.block(2).await;

    for user in [ANNA, BORA] {
        assert_eq!(refusal(scene.react(user, id, "🎉").await), Code::RecipientUnavailable);
    }
    assert_eq!(refusal(scene.react(BORA, id, "👍").await), Code::RecipientUnavailable);
    assert_eq!(counts(&scene.unreact(BORA, id, "👍").await.unwrap()), []);
}

#[tokio::test]
async fn strangers_and_former_members_cannot_see_reactions() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "a", "안녕").await.unwrap().message.id;
    scene.react(BORA, id, "👍").await.unwrap();
    scene.project(&access(2, &[ANNA])).await;

    for user in [BORA, EVE] {
        assert_eq!(refusal(scene.react(user, id, "👍").await), Code::MessageNotFound);
        assert_eq!(refusal(scene.unreact(user, id, "👍").await), Code::MessageNotFound);
        let all = ListReactors { message: id, user, emoji: None, size: PageSize::LARGEST };
        assert_eq!(refusal(list_reactors(scene.mongo(), all, None).await), Code::MessageNotFound);
    }
}

#[tokio::test]
async fn reaction_of_an_edited_message_is_no_edit_and_stays_through_one() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    let id = scene.send(ANNA, "a", "안뇽").await.unwrap().message.id;
    scene.edit(ANNA, id, "안녕").await.unwrap();
    scene.react(ANNA, id, "👍").await.unwrap();

    let edited = scene.edit(ANNA, id, "안녕!").await.unwrap();

    assert_eq!(counts(&edited), [("👍", 1, Some(true))]);
    let kinds: Vec<_> = scene.pushed.frames("tablet").into_iter().map(|frame| frame["t"].clone()).collect();
    assert_eq!(kinds, ["message.created", "message.updated", "reaction.changed", "message.updated"]);
    let last = scene.pushed.frames("tablet").pop().unwrap();
    assert_eq!(last["d"]["reactions"], serde_json::json!([{ "emoji": "👍", "count": 1 }]));
}

#[tokio::test]
async fn reaction_whose_push_failed_is_pushed_later_as_one() {
    let scene = Scene::new().await;
    scene.connect(ANNA, "phone").await;
    let id = scene.send(ANNA, "a", "안녕").await.unwrap().message.id;
    scene.pushed.fail(&["phone"]);
    let reacted = scene.react(BORA, id, "👍").await.unwrap();
    scene.pushed.fail(&[]);
    let failed = [ConnectionId("phone".to_owned())];
    scene.mongo().messages().note_failed(id, reacted.rev, &failed, 0, long_ago()).await.unwrap();
    eventually(async || scene.find(id).await.fanout.is_some_and(|fanout| fanout.at <= long_ago())).await;

    let swept = sweep(&scene.messenger(), 10, Timestamp::from_millis(i64::MAX)).await.unwrap();

    assert_eq!(swept, Swept { delivered: 1, failed: 0 });
    let frame = scene.pushed.frames("phone").pop().unwrap();
    assert_eq!((&frame["t"], &frame["rev"]), (&"reaction.changed".into(), &reacted.rev.0.into()));
    assert_eq!(frame["d"]["reactions"], serde_json::json!([{ "emoji": "👍", "count": 1 }]));
}

#[tokio::test]
async fn retried_reaction_of_a_dead_request_is_moved_above_all_readers() {
    let scene = Scene::new().await;
    scene.connect(ANNA, "phone").await;
    let id = scene.send(ANNA, "a", "안녕").await.unwrap().message.id;
    // As whoever died after the write leaves it.
    let position = scene.reserve(Placement::Change).await;
    let (mut causal, emoji) = (scene.mongo().causal().await.unwrap(), Emoji::parse("👍").unwrap());
    let messages = scene.mongo().messages();
    messages.react(&mut causal, id, BORA, emoji, &position, long_ago()).await.unwrap().unwrap();
    assert!(scene.release(&position).await);

    let reacted = scene.react(BORA, id, "👍").await.unwrap();

    assert_eq!(counts(&reacted), [("👍", 1, Some(true))]);
    assert!(reacted.rev > position.rev);
    assert_eq!(scene.pushed.frames("phone").pop().unwrap()["t"], "reaction.changed");
    scene.is_delivered(id).await;
}

#[tokio::test]
async fn reactors_are_listed_in_pages_by_time() {
    let scene = Scene::new().await;
    let people = crowd(&scene, 5).await;
    let id = scene.say(ANNA, "안녕").await.id;
    for (n, user) in people.iter().enumerate() {
        scene.react(*user, id, ["👍", "🎉"][n % 2]).await.unwrap();
    }
    let two = ListReactors { message: id, user: BORA, emoji: None, size: PageSize::parse(Some(2)).unwrap() };

    let all = reactors(scene.mongo(), two).await;
    let some = reactors(scene.mongo(), ListReactors { emoji: Some(Emoji::parse("🎉").unwrap()), ..two }).await;

    let users = |reactors: &[Reactor]| reactors.iter().map(|one| one.user).collect::<Vec<_>>();
    assert!(all.is_sorted_by_key(|one| (one.at, one.user)));
    assert_eq!(users(&all).into_iter().collect::<HashSet<_>>(), people.iter().copied().collect());
    assert_eq!(users(&some), [people[1], people[3]]);
    assert!(some.iter().all(|one| one.emoji == "🎉"));
}

#[tokio::test]
async fn user_lists_stay_in_the_store() {
    let scene = Scene::new().await;
    let people = crowd(&scene, 40).await;
    let id = scene.say(ANNA, "안녕").await.id;
    let at = DateTime::from_millis(now().millis());
    let users: Vec<_> = people.iter().map(|user| doc! { "user": user.0, "at": at }).collect();
    let set = doc! { "$set": { "reactions": [{ "emoji": "👍", "users": users }] } };
    scene.collection("messages").await.update_one(doc! { "_id": ObjectId::from_bytes(id.0) }, set).await.unwrap();
    let mut profile = testkit::mongo::Profile::of(&scene.database).await;

    let reacted = scene.react(BORA, id, "🎉").await.unwrap();

    assert_eq!(counts(&reacted), [("👍", 40, Some(true)), ("🎉", 1, Some(true))]);
    let notes = profile.fresh().await;
    let commands = notes.len();
    assert_eq!(
        commands, 7,
        "the gate, the message, position, write, release, connections, the cleared note: {notes:#?}"
    );
    for note in notes {
        assert!(note.get_i32("responseLength").unwrap_or(0) < 1_400, "{note}");
    }
}
