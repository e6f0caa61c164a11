use crate::house::{ANNA, BORA, House, ROOM, draft, eventually, refusal, texts};
use domain::{Code, ConnectionId, Rev, Seq};
use futures_util::future::join_all;
use messaging::send_message;
use mongo::Anchor;

#[tokio::test(flavor = "multi_thread")]
async fn one_client_id_sent_twenty_times_at_once_is_one_message() {
    let house = House::new().await;

    let sent = join_all((0..20).map(|_| house.send(ANNA, "c", "안녕"))).await;

    let sent: Vec<_> = sent.into_iter().map(Result::unwrap).collect();
    assert!(sent.iter().all(|one| one.message.id == sent[0].message.id && one.message.seq == sent[0].message.seq));
    assert_eq!(sent.iter().filter(|one| !one.duplicate).count(), 1);
    assert_eq!(texts(&house.list(BORA, Anchor::Newest, 100).await.unwrap().items), ["안녕"]);
}

#[tokio::test]
async fn only_a_retry_that_differs_from_the_first_request_conflicts() {
    let house = House::new().await;
    let first = house.send(ANNA, "c", "one").await.unwrap().message;
    house.edit(ANNA, first.id, "two").await.unwrap();

    let honest = house.send(ANNA, "c", "one").await.unwrap();
    assert!(honest.duplicate);
    assert_eq!(honest.message.content, "two");
    assert_eq!(refusal(house.send(ANNA, "c", "two").await), Code::ClientIdReused);
    assert!(!house.send(BORA, "c", "one").await.unwrap().duplicate);
}

#[tokio::test]
async fn a_message_reaches_every_connection_but_its_own_and_forgets_the_gone() {
    let house = House::new().await;
    for (user, name) in [(ANNA, "phone"), (ANNA, "laptop"), (BORA, "tablet"), (BORA, "gone")] {
        house.connect(user, name).await;
    }

    let from = ConnectionId("phone".to_owned());
    let sent = send_message(house.messenger(), &house.pushed, &draft(ANNA, "c", "hi"), Some(&from)).await.unwrap();

    assert_eq!(house.pushed.connections(), ["laptop", "tablet"]);
    eventually(async || {
        let left = house.mongo().list_room_connections(ROOM, crate::house::now()).await.unwrap();
        left.iter().all(|connection| connection.id.0 != "gone")
    })
    .await;
    house.is_delivered(sent.message.id).await;
}

#[tokio::test]
async fn a_retry_that_finds_its_message_undelivered_moves_and_delivers_it() {
    let house = House::new().await;
    house.connect(BORA, "tablet").await;
    let first = house.send(ANNA, "c", "hi").await.unwrap().message;
    house.is_delivered(first.id).await;
    // As if the writer had died after its write: the delivery is still owed, and readers have passed the place.
    let place = house.mongo().reserve_above(ROOM, first.rev, first.seq).await.unwrap().unwrap();
    house.mongo().stamp_message(first.id, place, crate::house::now()).await.unwrap();
    let passed = place.rev;
    assert!(house.mongo().release(ROOM, place).await.unwrap());

    let retry = house.send(ANNA, "c", "hi").await.unwrap();

    assert!(retry.duplicate && retry.message.rev > passed);
    assert_eq!(retry.message.seq, first.seq);
    assert_eq!(house.pushed.connections(), ["tablet", "tablet"]);
    house.is_delivered(first.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_senders_get_one_order() {
    let house = House::new().await;

    let sends = (0..32).map(|i| {
        let house = &house;
        async move { house.send(if i % 2 == 0 { ANNA } else { BORA }, &format!("c{i}"), &format!("m{i}")).await }
    });
    let mut seqs: Vec<_> = join_all(sends).await.into_iter().map(|sent| sent.unwrap().message.seq).collect();

    seqs.sort_unstable();
    assert_eq!(seqs, (1..=32).map(Seq).collect::<Vec<_>>());
    let page = house.list(ANNA, Anchor::Newest, 100).await.unwrap();
    assert!(page.items.is_sorted_by_key(|item| item.seq) && page.items.len() == 32);
    assert_eq!(house.sync_settled(ANNA, 0, 100).await.cursor, Rev(32));
}

#[tokio::test]
async fn a_reply_answers_a_message_of_its_own_room() {
    let house = House::new().await;
    let first = house.send(ANNA, "a", "?").await.unwrap().message;

    assert_eq!(house.reply(BORA, "b", "!", first.id).await.message.reply_to, Some(first.id));

    let mut astray = draft(BORA, "c", "!");
    astray.reply_to = Some(domain::MessageId([7; 12]));
    let refused = send_message(house.messenger(), &house.pushed, &astray, None).await.err().unwrap();
    assert_eq!((refused.code, &*refused.fields[0].field), (Code::InvalidFields, "reply_to"));
}
