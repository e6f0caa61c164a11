use crate::scene::{ANNA, BORA, EVE, ROOM, Scene, access, texts};
use domain::{PageSize, Rev, RoomId, RoomKey, Seq};
use messaging::{Gaps, SyncRoom, list_gaps, sync_room};
use mongo::Anchor;
use std::collections::BTreeMap;

async fn five(scene: &Scene) {
    for i in 1..=5 {
        scene.send(ANNA, &format!("c{i}"), &i.to_string()).await.unwrap();
    }
}

#[tokio::test]
async fn pages_lie_where_they_were_asked_for() {
    let scene = Scene::new().await;
    five(&scene).await;

    for (anchor, limit, expected, has_before, has_after) in [
        (Anchor::Newest, 2, &["4", "5"][..], true, false),
        (Anchor::Newest, 5, &["1", "2", "3", "4", "5"], false, false),
        (Anchor::Before(Seq(4)), 2, &["2", "3"], true, true),
        (Anchor::Before(Seq(3)), 2, &["1", "2"], false, true),
        (Anchor::Before(Seq(100)), 2, &["4", "5"], true, false),
        (Anchor::Before(Seq(1)), 2, &[], false, true),
        (Anchor::After(Seq(1)), 2, &["2", "3"], true, true),
        (Anchor::After(Seq(3)), 2, &["4", "5"], true, false),
        (Anchor::After(Seq(0)), 2, &["1", "2"], false, true),
        (Anchor::After(Seq(5)), 2, &[], true, false),
        (Anchor::Around(Seq(3)), 3, &["2", "3", "4"], true, true),
        (Anchor::Around(Seq(1)), 3, &["1", "2"], false, true),
    ] {
        let page = scene.list(BORA, anchor, limit).await.unwrap();
        let seen = (texts(&page.items), page.has_before, page.has_after);
        assert_eq!(seen, (expected.to_vec(), has_before, has_after), "{anchor:?} {limit}");
    }
}

#[tokio::test]
async fn sync_brings_each_changed_message_once_and_as_of_now() {
    let scene = Scene::new().await;
    five(&scene).await;
    let first = scene.list(ANNA, Anchor::Around(Seq(1)), 1).await.unwrap().items.remove(0);
    scene.edit(ANNA, first.id, "1st").await.unwrap();

    let page = scene.sync_settled(BORA, 0, 3).await;
    assert_eq!((texts(&page.items), page.cursor, page.head, page.more), (vec!["2", "3", "4"], Rev(4), Rev(6), true));
    let page = scene.sync_settled(BORA, 4, 3).await;
    assert_eq!((texts(&page.items), page.cursor, page.head, page.more), (vec!["5", "1st"], Rev(6), Rev(6), false));
    let page = scene.sync_settled(BORA, 6, 3).await;
    assert_eq!((page.items.len(), page.cursor, page.more), (0, Rev(6), false));
}

#[tokio::test]
async fn a_page_for_a_frame_is_cut_by_its_bytes_and_goes_on() {
    let scene = Scene::new().await;
    for i in 0..3 {
        scene.send(ANNA, &format!("c{i}"), &"가".repeat(4_000)).await.unwrap();
    }
    scene.settle().await;
    let query = |after| SyncRoom {
        room: ROOM,
        user: BORA,
        after: Rev(after),
        limit: PageSize::parse(None).unwrap(),
        max_bytes: Some(29 * 1024),
    };

    let page = sync_room(scene.mongo(), query(0)).await.unwrap();
    assert_eq!((page.items.len(), page.cursor, page.more), (2, Rev(2), true));
    let page = sync_room(scene.mongo(), query(2)).await.unwrap();
    assert_eq!((page.items.len(), page.cursor, page.more), (1, Rev(3), false));
    let tiny = sync_room(scene.mongo(), SyncRoom { max_bytes: Some(1), ..query(0) }).await.unwrap();
    assert_eq!((tiny.items.len(), tiny.more), (1, true));
}

#[tokio::test]
async fn gaps_are_the_rooms_with_newer_changes() {
    let scene = Scene::new().await;
    five(&scene).await;
    let gaps = async |cursors: &[(RoomKey, Rev)], limit| {
        let cursors: BTreeMap<_, _> = cursors.iter().copied().collect();
        list_gaps(scene.mongo(), BORA, &cursors, limit).await.unwrap()
    };

    let ahead = Gaps { ahead: vec![ROOM], ..Gaps::default() };
    assert_eq!(gaps(&[(ROOM, Rev(4))], 200).await, ahead);
    assert_eq!(gaps(&[(ROOM, Rev(0))], 200).await, ahead);
    assert_eq!(gaps(&[(ROOM, Rev(5))], 200).await, Gaps::default());
    assert_eq!(gaps(&[(ROOM, Rev(4))], 0).await, Gaps { more: true, ..Gaps::default() });
}

#[tokio::test]
async fn only_rooms_whose_cursor_was_given_have_gaps() {
    let scene = Scene::new().await;
    five(&scene).await;
    let gaps = async |user, cursors: &[(RoomKey, Rev)]| {
        let cursors: BTreeMap<_, _> = cursors.iter().copied().collect();
        list_gaps(scene.mongo(), user, &cursors, 200).await.unwrap()
    };

    assert_eq!(gaps(BORA, &[]).await, Gaps::default());
}

#[tokio::test]
async fn room_of_others_is_gone_exactly_like_an_unknown_one() {
    let scene = Scene::new().await;
    five(&scene).await;
    let unknown = RoomKey::private(RoomId(99));
    let gaps = async |user, room, limit| {
        list_gaps(scene.mongo(), user, &BTreeMap::from([(room, Rev(0))]), limit).await.unwrap()
    };

    for (user, room) in [(BORA, unknown), (EVE, unknown), (EVE, ROOM)] {
        assert_eq!(gaps(user, room, 200).await, Gaps { gone: vec![room], ..Gaps::default() });
        assert_eq!(gaps(user, room, 0).await, Gaps { more: true, ..Gaps::default() });
    }
    scene.project(&access(2, &[ANNA])).await;
    assert_eq!(gaps(BORA, ROOM, 200).await.gone, [ROOM], "they were removed");
    scene.project(&access(3, &[])).await;
    assert_eq!(gaps(ANNA, ROOM, 200).await.gone, [ROOM], "it was closed");
}
