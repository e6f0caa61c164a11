//! What the store looks at to answer; a list that reads what it does not show grows slow where nobody looks.

use crate::scene::{
    ANNA, AT, BORA, EVE, ROOM, access_as_of, collection, draft, edit, fill, group, insert, open, private, reserve, say,
    scene, set_room,
};
use domain::{
    Attach, ClientId, ConnectionId, Emoji, Fault, FileName, Limit, Locale, MediaType, MessageDraft, PageSize, Person,
    Picture, Privacy, Purpose, Random, Rev, RoomKind, Seq, SessionId, UploadDraft, UploadId, UploadKind, UploadLimits,
    UserId, WideMentions,
    notification::{Address, Device, NotificationSettings, RoomSettings},
};
use mongo::{
    Anchor, Arrival, Bucket, Connection, Effect, Fanout, GroupRights, Messages, Mongo, NewUpload, PictureOf, Placement,
    Progress, Recipients, UploadClaim,
};
use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId};
use std::time::Duration;
use testkit::mongo::{Database, Profile, Uploaded, mark};

const LIMIT: Limit = Limit { burst: 1_000, per_minute: 1_000 };

/// Looks at what each command looked at.
struct Watch {
    profile: Profile,
    wrong: Vec<String>,
}

impl Watch {
    async fn over(database: &Database) -> Self {
        Self { profile: Profile::of(database).await, wrong: Vec::new() }
    }

    /// Does something that may look at so many documents, of whatever collections, in each of its commands.
    async fn watch<T>(&mut self, name: &str, most: i64, work: impl Future<Output = Result<T, Fault>>) -> T {
        let outcome = work.await.unwrap();
        for note in self.profile.fresh().await {
            let plan = note.get_str("planSummary").unwrap_or_default();
            let examined = number(&note, "docsExamined");
            let command = note.get_document("command").unwrap();
            if plan.contains("COLLSCAN") || examined > most || self.walks(command).await {
                self.wrong.push(format!("{name}: {plan}, {examined} documents for at most {most}: {command}"));
            }
        }
        outcome
    }

    /// Whether a `$lookup` walks its collection, of which the notes tell only the documents, and not always those.
    async fn walks(&self, command: &Document) -> bool {
        let (Some(of), Ok(pipeline)) = (command.get("aggregate"), command.get_array("pipeline")) else {
            return false;
        };
        let explain = doc! {
            "explain": { "aggregate": of.clone(), "pipeline": pipeline.clone(), "cursor": {} },
            "verbosity": "executionStats",
        };
        let told = self.profile.store().run_command(explain).await.unwrap();
        told.get_array("stages").is_ok_and(|stages| {
            let stages = stages.iter().filter_map(Bson::as_document);
            stages.map(|stage| number(stage, "collectionScans")).sum::<i64>() > 0
        })
    }
}

fn number(note: &Document, field: &str) -> i64 {
    note.get_i64(field).or_else(|_| note.get_i32(field).map(i64::from)).unwrap_or(0)
}

fn person(id: i32) -> Person {
    Person {
        id: UserId(id),
        version: 2,
        username: "minji".to_owned(),
        display_name: None,
        locale: Locale::Ko,
        privacy: Privacy::default(),
        is_active: true,
        friends: Vec::new(),
        blocked: Vec::new(),
        avatar: None,
    }
}

fn connection(n: i32) -> Connection {
    Connection {
        id: ConnectionId(n.to_string()),
        user: UserId(n),
        session: session(n),
        locale: Locale::Ko,
        connected_at: AT,
        active_until: AT,
        viewing: None,
    }
}

fn session(n: i32) -> SessionId {
    SessionId(n.to_string())
}

/// A busy room of Anna and Bora, quiet ones of Anna's, and more of everything that is none of theirs.
async fn town() -> Database {
    let database = scene().await;
    let mongo = &database.mongo;
    fill(&database, ROOM, BORA, 300).await;
    for id in 2..=20 {
        open(mongo, private(id), &[ANNA, BORA], AT).await;
        fill(&database, private(id), BORA, 10).await;
    }
    open(mongo, group(1), &[ANNA, BORA], AT).await;
    fill(&database, group(1), BORA, 50).await;
    for id in 100..200 {
        open(mongo, private(id), &[EVE, UserId(id)], AT).await;
        let username = format!("minji{id}");
        mongo.people().project(&Person { version: 1, username, ..person(id) }).await.unwrap();
        mongo.connections().insert(&connection(id)).await.unwrap();
        mongo.tickets().insert(&id.to_string(), UserId(id), &session(id), AT).await.unwrap();
        mongo.gates().end_sessions(UserId(id), &[session(id)], AT).await.unwrap();
        mongo.limits().spend(&id.to_string(), LIMIT).await.unwrap();
        mark(mongo, private(id), EVE, Seq(1)).await.unwrap();
    }
    database
}

#[tokio::test]
async fn no_command_on_messages_walks_a_collection() {
    let database = town().await;
    let (mongo, rooms, messages) = (&database.mongo, database.mongo.rooms(), database.mongo.messages());
    let sent = say(mongo, ROOM, ANNA, "안녕").await;
    let delivered = say(mongo, ROOM, ANNA, "안녕").await;
    let last = say(mongo, ROOM, ANNA, "안녕").await;
    let (failed, fanout) = (connection(7).id, Fanout::new(AT, 0));
    let mut causal = mongo.causal().await.unwrap();
    let mut watch = Watch::over(&database).await;

    let position = watch.watch("reserve", 1, rooms.reserve(ROOM, Some(ANNA), Placement::Change)).await.unwrap();
    let edited = watch.watch("edit", 1, edit(mongo, sent.id, "x", &position)).await.unwrap();
    watch.watch("release", 1, rooms.release(ROOM, &position)).await;
    let above = Placement::Above { id: edited.id, rev: edited.rev, seq: edited.seq };
    let position = watch.watch("reserve above", 1, rooms.reserve(ROOM, None, above)).await.unwrap();
    watch.watch("stamp", 1, messages.stamp(&mut causal, &edited, &position, fanout)).await.unwrap();
    watch.watch("note_failed", 1, messages.note_failed(sent.id, position.rev, &[failed], 1, AT)).await;
    rooms.release(ROOM, &position).await.unwrap();
    let position = reserve(mongo, ROOM, Placement::Change).await;
    watch.watch("delete", 1, messages.delete(&mut causal, sent.id, &position, AT)).await.unwrap();
    rooms.release(ROOM, &position).await.unwrap();
    watch.watch("all of a new message", 1, async { Ok(insert(mongo, &draft(ROOM, ANNA, "c", "x"), AT).await) }).await;
    watch.watch("clear_fanout", 1, messages.clear_fanout(delivered.id, delivered.rev)).await;
    watch.watch("owe_notification", 1, messages.owe_notification(delivered.id, AT)).await;
    watch.watch("list_owed_notifications", 1, messages.list_owed_notifications(5)).await;
    watch.watch("clear_owed_notifications", 1, messages.clear_owed_notifications(&[delivered.id])).await;
    watch.watch("list_recent", 5, messages.list_recent(ROOM, AT, 5)).await;
    let position = reserve(mongo, ROOM, Placement::Change).await;
    watch.watch("withdraw", 1, messages.withdraw(delivered.id, delivered.rev, &position, AT)).await.unwrap();
    rooms.release(ROOM, &position).await.unwrap();
    watch.watch("find", 1, messages.find(sent.id)).await.unwrap();
    let client_id = ClientId::parse("c").unwrap();
    watch.watch("find_by_client_id", 1, messages.find_by_client_id(ROOM, ANNA, &client_id)).await.unwrap();
    watch.watch("list_quotes", 2, messages.list_quotes(&[sent.id, delivered.id])).await;
    let emoji = Emoji::parse("👍").unwrap();
    let position = reserve(mongo, ROOM, Placement::Change).await;
    watch.profile.fresh().await;
    let reaction = messages.react(&mut causal, last.id, ANNA, emoji, &position, AT);
    watch.watch("react", 1, reaction).await.unwrap();
    let reacted = watch.watch("list_reacted", 1, messages.list_reacted(ANNA, 5)).await;
    assert_eq!(reacted.len(), 1);
    watch
        .watch("list_reactors", 2, messages.list_reactors(last.id, ANNA, None, None, PageSize::LARGEST))
        .await
        .unwrap();
    watch.watch("give_back", 1, rooms.give_back(ROOM, &position)).await;
    let position = reserve(mongo, ROOM, Placement::Retraction).await;
    watch.profile.fresh().await;
    let retraction = messages.take_reaction_back(&mut causal, last.id, ANNA, emoji, &position, AT);
    watch.watch("take_reaction_back", 1, retraction).await.unwrap();
    let position = reserve(mongo, ROOM, Placement::Pin(last.id)).await;
    watch.profile.fresh().await;
    watch.watch("pin", 1, messages.pin(&mut causal, last.id, ANNA, &position, AT)).await.unwrap();
    watch.watch("list_pinned", 2, rooms.list_pinned(ROOM, ANNA, None, PageSize::LARGEST)).await.unwrap();
    watch.watch("find_pin_places", 2, rooms.find_pin_places(ROOM)).await;
    watch.watch("free_pin_place", 1, rooms.free_pin_place(ROOM, last.id, Rev(0))).await;
    let position = reserve(mongo, ROOM, Placement::Unpin(last.id)).await;
    watch.profile.fresh().await;
    watch.watch("unpin", 1, messages.unpin(&mut causal, last.id, &position, AT)).await.unwrap();
    let five = PageSize::parse(Some(5)).unwrap();
    let page = watch.watch("list_of_author", 6, messages.list_of_author(BORA, None, five)).await;
    let after = page.next.unwrap();
    // One more of either range.
    watch.watch("a later page of an author", 8, messages.list_of_author(BORA, Some(&after), five)).await;
    watch.watch("list_undeleted", 5, messages.list_undeleted(BORA, AT, 5)).await;
    watch.watch("find_history", 1, messages.find_history(sent.id)).await.unwrap();
    watch.watch("hide", 1, messages.hide(sent.id, BORA)).await;
    watch.watch("first count_hidden", 1, mongo.read_states().count_hidden(ROOM, BORA)).await;
    watch.watch("count_hidden", 1, mongo.read_states().count_hidden(ROOM, BORA)).await;
    watch.watch("uncount_hidden", 1, mongo.read_states().uncount_hidden(ROOM, BORA)).await;
    watch.watch("find_oldest_owed", 1, messages.find_oldest_owed()).await.unwrap();
    watch.watch("list_owed", 5, messages.list_owed(AT.plus(Duration::from_mins(1)), 5)).await;

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}

#[tokio::test]
async fn a_page_of_messages_or_changes_looks_at_what_it_shows() {
    let database = town().await;
    let (mongo, rooms) = (&database.mongo, database.mongo.rooms());
    let answer = domain::MessageDraft {
        reply_to: Some(say(mongo, ROOM, BORA, "where?").await.id),
        ..draft(ROOM, ANNA, "answer", "home")
    };
    insert(mongo, &answer, AT).await;
    let answered = answer.reply_to.unwrap();
    let mut watch = Watch::over(&database).await;

    // The room, the reply and what it answers.
    watch.watch("list_replies", 3, rooms.list_replies(ROOM, ANNA, answered, None, 10)).await.unwrap();
    // The room, ten rows, whether there are more on both sides, and what the reply answers.
    for anchor in [Anchor::Newest, Anchor::Before(Seq(200)), Anchor::After(Seq(100)), Anchor::Around(Seq(150))] {
        watch.watch("list_messages", 14, rooms.list_messages(ROOM, ANNA, anchor, 10)).await.unwrap();
    }
    for after in [100, 295, 302] {
        watch.watch("list_changes", 13, rooms.list_changes(ROOM, ANNA, Rev(after), 10)).await.unwrap();
    }
    reserve(mongo, ROOM, Placement::Change).await;
    set_room(&database, ROOM, doc! { "inflight.0.at": DateTime::from_millis(0) }).await;
    watch.profile.fresh().await;
    watch.watch("list_changes with overdue entries", 13, rooms.list_changes(ROOM, ANNA, Rev(100), 10)).await.unwrap();

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}

#[tokio::test]
async fn no_command_on_people_walks_a_collection() {
    let database = town().await;
    let mongo = &database.mongo;
    let (connections, gates, limits) = (mongo.connections(), mongo.gates(), mongo.limits());
    let mut causal = mongo.causal().await.unwrap();
    let mut watch = Watch::over(&database).await;
    let (seven, eight, nine) = (session(107), session(108), session(9));

    watch.watch("project a person", 1, mongo.people().project(&person(107))).await;
    watch.watch("find a person", 1, mongo.people().find(UserId(107))).await;
    watch.watch("insert a ticket", 0, mongo.tickets().insert("t", ANNA, &seven, AT)).await;
    watch.watch("burn", 1, mongo.tickets().burn("t", AT)).await;
    watch.watch("first end_sessions", 1, gates.end_sessions(ANNA, &[session(1), session(2)], AT)).await;
    watch.watch("end_sessions", 1, gates.end_sessions(UserId(107), &[session(1), session(2)], AT)).await;
    let dice = |byte: fn(&mut [u8])| Random(byte);
    for random in [dice(|bytes| bytes.fill(0)), dice(|bytes| bytes.fill(1))] {
        watch.watch("pass_read", 1, gates.pass_read(UserId(107), &seven, LIMIT, random)).await;
    }
    watch.watch("list_versions", 2, mongo.people().list_versions(&[UserId(107), UserId(108)])).await;
    let two = [UserId(107), UserId(108)];
    watch.watch("list_named", 2, mongo.people().list_named(&two, &two)).await;
    let (states, everybody) = (mongo.read_states(), UserId(0)..=UserId(i32::MAX));
    watch.watch("read states of a room", 2, states.list(private(100), everybody)).await;
    let claim = watch.watch("claim", 2, states.claim(private(100), Seq(9), &two, &two, AT)).await;
    watch.watch("finish", 2, states.finish(&claim, AT)).await;
    watch.watch("find_last", 1, mongo.people().find_last()).await.unwrap();
    watch.watch("list_by_names", 1, mongo.people().list_by_names(&["minji107", "nobody"])).await;
    watch.watch("is_inactive", 1, mongo.people().is_inactive(UserId(107))).await;
    watch.watch("is_ended_in", 1, gates.is_ended_in(&mut causal, UserId(107), &seven)).await;
    watch.watch("is_ended", 1, gates.is_ended(UserId(107), &seven)).await;
    watch.watch("first pass", 1, gates.pass(EVE, &nine, Bucket::Sends, LIMIT)).await;
    watch.watch("pass", 1, gates.pass(UserId(108), &nine, Bucket::Sends, LIMIT)).await;
    watch.watch("refund to a gate", 1, gates.refund(UserId(108), Bucket::Sends, LIMIT)).await;
    watch.watch("insert a connection", 1, connections.insert(&connection(1))).await;
    let id = connection(1).id;
    let arrival = Arrival { connection: &id, locale: None, cost: 1, effect: Effect::Alive, at: AT };
    watch.watch("touch", 1, connections.touch(arrival, LIMIT)).await.unwrap();
    let people = [UserId(107), UserId(108)];
    watch.watch("list_of_people", 2, connections.list_of_people(&people, AT)).await;
    let found = watch.watch("list_of_people_in", 2, connections.list_of_people_in(&mut causal, &people, AT)).await;
    assert_eq!(found.len(), 2);
    let ids = [connection(107).id, connection(109).id];
    watch.watch("list_recipients", 2, connections.list_recipients(&people, 5, AT)).await;
    let crowd: Vec<_> = (100..200).map(UserId).collect();
    let most = watch.watch("list_recipients, too many", 4, connections.list_recipients(&crowd, 3, AT)).await;
    let Recipients::TooMany(found) = most else { panic!("{most:?}") };
    watch.watch("a page of a crowd", 100, connections.list_page(&found, &crowd, AT)).await;
    let most =
        watch.watch("the same in a session", 4, connections.list_recipients_in(&mut causal, &crowd, 3, AT)).await;
    let Recipients::TooMany(found) = most else { panic!("{most:?}") };
    watch.watch("a page of a crowd in a session", 100, connections.list_page(&found, &crowd, AT)).await;
    watch.watch("list_live", 2, connections.list_live(&ids, &people, AT)).await;
    let both = [seven, eight];
    watch.watch("remove_of_sessions", 2, connections.remove_of_sessions(&both)).await;
    let gone = [connection(109), connection(110)];
    let closed = gone.iter().map(|gone| (&gone.id, gone.connected_at));
    watch.watch("remove_gone", 2, connections.remove_gone(closed)).await;
    watch.watch("find_owner", 1, connections.find_owner(&connection(111).id)).await;
    watch.watch("expire", 1, connections.expire(&connection(111).id, AT)).await;
    watch.watch("list_ghosts", 1, connections.list_ghosts(AT, 10)).await;
    watch.watch("remove", 1, connections.remove(&connection(111).id)).await;
    watch.watch("remove_expired", 2, connections.remove_expired(&people, AT)).await;
    watch_notifications(mongo, &mut watch).await;
    watch.watch("spend", 1, limits.spend("107", LIMIT)).await;
    watch.watch("begin_login", 1, limits.begin_login("107")).await;
    watch.watch("use_up_free_tries", 1, limits.use_up_free_tries("107")).await;
    watch.watch("forget_failed_logins", 1, limits.forget_failed_logins("107")).await;

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}

fn device(user: i32) -> Device {
    Device {
        user: UserId(user),
        installation: format!("5f0c9d1e-7a3b-4c2d-9e8f-{user:012x}").parse().unwrap(),
        session: session(user),
        address: Address::Fcm(user.to_string()),
        locale: Locale::Ko,
        time_zone: None,
        app_version: None,
        created_at: AT,
        seen_at: AT,
        last_push_at: None,
        last_error: None,
    }
}

async fn watch_notifications(mongo: &Mongo, watch: &mut Watch) {
    let (devices, notifications) = (mongo.devices(), mongo.notifications());
    let mut causal = mongo.causal().await.unwrap();
    for n in 100..150 {
        devices.register_in(&mut causal, &device(n), &n.to_string()).await.unwrap();
        notifications.replace(UserId(n), &NotificationSettings::default()).await.unwrap();
    }
    watch.profile.fresh().await;
    let (this, people, installation) = (device(107), [UserId(107), UserId(108)], device(107).installation);
    watch.watch("register again", 1, devices.register_in(&mut causal, &this, "107")).await;
    watch.watch("register another token", 1, devices.register_in(&mut causal, &this, "new")).await;
    watch.watch("register", 1, devices.register_in(&mut causal, &device(151), "151")).await;
    watch.watch("find a device", 1, devices.find(UserId(107), &installation)).await.unwrap();
    watch.watch("list devices", 2, devices.list_of_people(&people)).await;
    watch.watch("list sessions of devices", 1, devices.list_sessions_in(&mut causal, UserId(107))).await;
    watch.watch("note_push", 1, devices.note_pushes(&[&this], AT, None)).await;
    watch.watch("remove devices of sessions", 1, devices.remove_of_sessions(UserId(107), &[session(9)])).await;
    watch.watch("remove devices of logins", 1, devices.remove_of_logins(&[(UserId(107), session(9))])).await;
    watch.watch("remove_unregistered", 1, devices.remove_unregistered(&this, AT)).await;
    watch.watch("remove a device", 1, devices.remove(UserId(108), &device(108).installation)).await;
    watch.watch("remove devices", 1, devices.remove_of_person(UserId(109))).await;
    watch.watch("find settings", 1, notifications.find(UserId(107))).await;
    watch.watch("list settings", 2, notifications.list(&people)).await;
    watch.watch("replace settings", 1, notifications.replace(UserId(107), &NotificationSettings::default())).await;
    watch.watch("remove settings", 1, notifications.remove(UserId(108))).await;
    let mut mute = RoomSettings { muted_until: Some(AT), ..RoomSettings::default() };
    for room in [ROOM, private(2), private(2)] {
        watch.watch("mute", 1, notifications.replace_of_room(room, ANNA, mute)).await;
    }
    watch.watch("find settings of a room", 1, notifications.find_of_room(ROOM, ANNA)).await;
    watch.watch("list rooms", 6, notifications.list_of_rooms(ANNA, None, PageSize::LARGEST)).await;
    mute.muted_until = None;
    watch.watch("unmute", 1, notifications.replace_of_room(private(2), ANNA, mute)).await;
}

#[tokio::test]
async fn no_command_on_rooms_walks_a_collection() {
    let database = town().await;
    let (rooms, states) = (database.mongo.rooms(), database.mongo.read_states());
    let mut watch = Watch::over(&database).await;

    watch.watch("project", 1, rooms.project(&access_as_of(1, private(500), &[ANNA, BORA]), AT)).await;
    watch.watch("project again", 1, rooms.project(&access_as_of(2, private(500), &[ANNA, BORA]), AT)).await;
    watch.watch("find_rights", 1, rooms.find_rights(ROOM, ANNA)).await.unwrap();
    watch.watch("find_rights_now", 1, rooms.find_rights_now(ROOM, ANNA)).await.unwrap();
    watch.watch("list_members", 1, rooms.list_members(ROOM)).await;
    watch.watch("list_known", 2, rooms.list_known(&[ROOM, private(2)])).await;
    watch.watch("list_open", 11, rooms.list_open(private(2), 10)).await;
    watch.watch("list_revs", 3, rooms.list_revs(ANNA, &[ROOM, private(2), private(100)])).await;
    watch.watch("forget what was read", 2, states.remove(EVE, &[private(100), private(101)])).await;
    watch.watch("look and advance", 2, mark(&database.mongo, ROOM, ANNA, Seq(290))).await;
    watch.watch("advance", 1, states.advance(ROOM, ANNA, Progress::Delivered, Seq(299), Seq(300))).await;
    // The room, its two people and their cursors.
    watch.watch("list_receipts", 5, states.list_receipts(ROOM, ANNA)).await.unwrap();
    watch.watch("list_readers", 5, states.list_readers(ROOM, ANNA, Seq(290))).await.unwrap();
    watch.watch("list_onlookers", 3, database.mongo.connections().list_onlookers(ROOM, ANNA, AT)).await;
    watch.watch("count_unread", 10, states.count_unread(ROOM, ANNA, Seq(290), Seq(300))).await;

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}

#[tokio::test]
async fn a_room_list_looks_at_what_it_shows() {
    let database = town().await;
    let (mongo, rooms) = (&database.mongo, database.mongo.rooms());
    mark(mongo, ROOM, ANNA, Seq(290)).await.unwrap();
    mark(mongo, private(2), ANNA, Seq(10)).await.unwrap();
    let mut watch = Watch::over(&database).await;
    let five = PageSize::parse(Some(5)).unwrap();
    let after = (AT.millis(), private(9));

    // The room, its cursor and its last message; what is unread is counted by another command.
    watch.watch("find", 10, rooms.find(ROOM, ANNA)).await.unwrap();
    watch.watch("find a group", 50, rooms.find(group(1), ANNA)).await.unwrap();
    // Six of Anna's 20 rooms, and of each the cursor and the last message, or what is unread.
    watch.watch("list", 6 * 10, rooms.list(ANNA, RoomKind::Private, None, five)).await;
    watch.watch("list", 6 * 10, rooms.list(ANNA, RoomKind::Private, Some(&after), five)).await;
    // Unread rooms may be the last ones: all of Anna's are looked at, each with its cursor; then what is unread in six.
    watch.watch("list_unread", 5 * 10 + 50, rooms.list_unread(ANNA, None, five)).await;
    // All rooms with their cursors; what is unread in 19 of them; the settings and nothing that mentions her.
    let total = watch.watch("count_unread_of_person", 21 * 2 + 19 * 50, rooms.count_unread_of_person(ANNA, AT)).await;
    assert_eq!(total.total.rooms, 20);
    // The newest row of a room whose writer died.
    reserve(mongo, private(3), Placement::New(Messages::new_id())).await;
    watch.profile.fresh().await;
    watch.watch("list beside a dead writer", 6 * 10, rooms.list(ANNA, RoomKind::Private, None, five)).await;
    watch.watch("find beside a dead writer", 10, rooms.find(private(3), ANNA)).await.unwrap();

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}

#[tokio::test]
async fn a_page_of_ten_thousand_rooms_looks_at_its_rooms() {
    let database = scene().await;
    let rooms = database.mongo.rooms();
    let row = collection(&database, "rooms").await.find_one(doc! { "_id": ROOM.to_string() }).await.unwrap().unwrap();
    let many = (2..=10_000).map(|id| {
        let mut copy = row.clone();
        let at = DateTime::from_millis(AT.millis() + i64::from(id));
        copy.extend(doc! { "_id": private(id).to_string(), "members": [ANNA.0, id + 10], "last_at": at });
        copy
    });
    collection(&database, "rooms").await.insert_many(many).await.unwrap();
    let mut watch = Watch::over(&database).await;
    let one = PageSize::parse(Some(1)).unwrap();
    let middle = (AT.millis() + 5_000, private(5_000));

    watch.watch("first page", 2, rooms.list(ANNA, RoomKind::Private, None, one)).await;
    let page = watch.watch("page in the middle", 3, rooms.list(ANNA, RoomKind::Private, Some(&middle), one)).await;

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
    assert_eq!(page.rooms.items[0].room, private(4_999));
}

/// Groups of 1,000 people with Anna in them, from the number 1 on.
async fn large_groups(database: &Database, number: i32) {
    open(&database.mongo, group(1), &(1..=1_000).map(UserId).collect::<Vec<_>>(), AT).await;
    let rooms = collection(database, "rooms").await;
    let row = rooms.find_one(doc! { "_id": group(1).to_string() }).await.unwrap().unwrap();
    let copies = (2..=number).map(|id| {
        let mut copy = row.clone();
        let at = DateTime::from_millis(AT.millis() + i64::from(id * 37 % number));
        copy.extend(doc! { "_id": group(id).to_string(), "last_at": at });
        copy
    });
    rooms.insert_many(copies).await.unwrap();
}

#[tokio::test]
async fn list_of_groups_looks_at_no_room_of_two() {
    let database = scene().await;
    let rooms = database.mongo.rooms();
    large_groups(&database, 40).await;
    for id in 2..=200 {
        open(&database.mongo, private(id), &[ANNA, BORA], AT).await;
    }
    let mut watch = Watch::over(&database).await;
    let ten = PageSize::parse(Some(10)).unwrap();

    let page = watch.watch("groups", 40, rooms.list(ANNA, RoomKind::Group, None, ten)).await;
    watch.watch("more groups", 40, rooms.list(ANNA, RoomKind::Group, page.rooms.next.as_ref(), ten)).await;

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
    assert!(page.rooms.items.is_sorted_by_key(|room| std::cmp::Reverse(room.last_at)));
}

#[tokio::test]
async fn message_in_a_group_of_1000_moves_no_entry_of_an_index() {
    let database = scene().await;
    large_groups(&database, 2).await;
    let mut profile = Profile::of(&database).await;
    let mut moved = Vec::new();
    for room in [ROOM, group(1)] {
        say(&database.mongo, room, ANNA, "안녕").await;
        let notes = profile.fresh().await;
        let is_of_rooms = |note: &&Document| note.get_str("ns").unwrap().rsplit('.').next() == Some("rooms");
        let of_rooms = notes.iter().filter(is_of_rooms);
        moved.push(of_rooms.map(|note| number(note, "keysInserted") + number(note, "keysDeleted")).sum::<i64>());
    }

    // Two people's room moves up in the list of each.
    assert_eq!(moved, [4, 0]);
}

#[tokio::test]
async fn change_of_one_member_moves_the_entries_of_one() {
    let database = scene().await;
    large_groups(&database, 2).await;
    let mut profile = Profile::of(&database).await;
    let others = (2..=1_001).map(UserId).collect::<Vec<_>>();

    database.mongo.rooms().project(&access_as_of(2, group(1), &others), AT).await.unwrap();

    let notes = profile.fresh().await;
    assert_eq!(notes.len(), 1);
    assert_eq!((number(&notes[0], "keysInserted"), number(&notes[0], "keysDeleted")), (1, 1));
}

#[tokio::test]
async fn a_page_of_groups_looks_at_no_other_rooms() {
    let database = scene().await;
    let rooms = database.mongo.rooms();
    let row = collection(&database, "rooms").await.find_one(doc! { "_id": ROOM.to_string() }).await.unwrap().unwrap();
    let copy = |name: String, members: Vec<i32>, n: i32| {
        let mut copy = row.clone();
        copy.extend(
            doc! { "_id": name, "members": members, "last_at": DateTime::from_millis(i64::from(n)), "seq": 1_i64 },
        );
        copy
    };
    let many = (2..=3_000).map(|id| copy(private(id).to_string(), vec![ANNA.0, id + 10], id));
    // Of the groups she is in every fifth.
    let groups = (1..=500).map(|id| {
        let members = (1_000..1_020).chain([if id % 5 == 0 { ANNA.0 } else { BORA.0 }]);
        copy(group(id).to_string(), members.collect(), id)
    });
    collection(&database, "rooms").await.insert_many(many.chain(groups)).await.unwrap();
    let mut watch = Watch::over(&database).await;
    let two = PageSize::parse(Some(2)).unwrap();
    let middle = (250, group(250));

    let page = watch.watch("first page", 100, rooms.list(ANNA, RoomKind::Group, None, two)).await;
    assert_eq!(page.rooms.items[0].room, group(500));
    let page = watch.watch("page in the middle", 100, rooms.list(ANNA, RoomKind::Group, Some(&middle), two)).await;
    assert_eq!(page.rooms.items[0].room, group(245));
    // The page of a thousand rooms, and whether there are more.
    let unread = watch.watch("unread", 1_001, rooms.list_unread(ANNA, Some(group(40)), two)).await;
    assert!(unread.next.is_some());

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}

#[tokio::test]
async fn a_room_list_is_one_read_and_one_count() {
    let database = town().await;
    let (mongo, rooms) = (&database.mongo, database.mongo.rooms());
    let mut profile = Profile::of(&database).await;

    for limit in [2, 20] {
        let size = PageSize::parse(Some(limit)).unwrap();
        rooms.list(ANNA, RoomKind::Private, None, size).await.unwrap();
        assert_eq!(profile.count().await, 2, "{limit} rooms");
        rooms.list_unread(ANNA, None, size).await.unwrap();
        assert_eq!(profile.count().await, 2, "{limit} unread rooms");
    }
    rooms.find(ROOM, ANNA).await.unwrap();
    assert_eq!(profile.count().await, 2);
    mark(mongo, ROOM, ANNA, Seq(300)).await.unwrap();
    assert_eq!(profile.count().await, 2);
    rooms.find(ROOM, ANNA).await.unwrap();
    assert_eq!(profile.count().await, 1, "nothing is unread");
    rooms.list(UserId(9), RoomKind::Private, None, PageSize::LARGEST).await.unwrap();
    assert_eq!(profile.count().await, 1, "no room");
}

#[tokio::test]
async fn each_step_on_a_message_is_one_command() {
    let database = scene().await;
    let (mongo, messages) = (&database.mongo, database.mongo.messages());
    let (one, two) = (say(mongo, ROOM, ANNA, "one").await, say(mongo, ROOM, ANNA, "two").await);
    let mut causal = mongo.causal().await.unwrap();
    let mut profile = Profile::of(&database).await;

    insert(mongo, &draft(ROOM, ANNA, "c", "x"), AT).await;
    assert_eq!(profile.count().await, 3, "reserve, write, release");
    let position = reserve(mongo, ROOM, Placement::Change).await;
    profile.count().await;
    edit(mongo, one.id, "x", &position).await.unwrap().unwrap();
    assert_eq!(profile.count().await, 1);
    messages.clear_fanout(one.id, position.rev).await.unwrap();
    assert_eq!(profile.count().await, 1);
    messages.note_failed(two.id, two.rev, &[], 0, AT).await.unwrap();
    assert_eq!(profile.count().await, 1);
    messages.list_quotes(&[one.id, two.id]).await.unwrap();
    assert_eq!(profile.count().await, 1);
    messages.list_quotes(&[]).await.unwrap();
    assert_eq!(profile.count().await, 0);
    mongo.connections().list_of_people_in(&mut causal, &position.members, AT).await.unwrap();
    assert_eq!(profile.count().await, 1);
}

#[tokio::test]
async fn no_command_on_presence_walks_a_collection() {
    let database = town().await;
    let (mongo, presence) = (&database.mongo, database.mongo.presence());
    let pair = [UserId(107), UserId(108)];
    for (user, friend) in [(107, 108), (108, 107)] {
        let friends = vec![UserId(friend)];
        mongo.people().project(&Person { version: 3, friends, ..person(user) }).await.unwrap();
    }
    for id in 100..200 {
        presence.greet(UserId(id), AT).await.unwrap();
        let before = presence.list(&[UserId(id)]).await.unwrap()[0];
        presence.announce(&before, true, AT).await.unwrap();
    }
    let mut watch = Watch::over(&database).await;

    watch.watch("first greet", 0, presence.greet(ANNA, AT)).await;
    watch.watch("greet", 1, presence.greet(UserId(107), AT)).await;
    watch.watch("stir", 2, presence.stir(&pair)).await;
    let seen = watch.watch("list", 2, presence.list(&pair)).await;
    watch.watch("announce", 1, presence.announce(&seen[0], false, AT)).await;
    watch.watch("confirm", 2, presence.confirm(&seen, AT)).await;
    watch.watch("list_due", 3, presence.list_due(AT, 3)).await;
    watch.watch("list_shown", 2, presence.list_shown(&pair)).await;
    watch.watch("list_online_friends", 4, presence.list_online_friends(UserId(107), 500)).await;
    watch.watch("list_seen", 4, presence.list_seen(UserId(107), &[UserId(108)], AT)).await;
    watch.watch("list_onlookers", 8, presence.list_onlookers(&pair, 500, AT)).await;
    watch.watch("remove", 1, presence.remove(UserId(150))).await;

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}

#[tokio::test]
async fn no_command_on_uploads_walks_a_collection() {
    let database = scene().await;
    let (mongo, uploads, usages) = (&database.mongo, database.mongo.uploads(), database.mongo.usages());
    fill(&database, ROOM, BORA, 50).await;
    let limits = UploadLimits { open: 1_000, ..UploadLimits::default() };
    let draft = |number: u8| UploadDraft {
        kind: UploadKind::File,
        purpose: Purpose::Message,
        name: FileName::parse("a").unwrap(),
        size: 1,
        media_type: MediaType::parse("text/plain").unwrap(),
        sha256: None,
        client_id: ClientId::parse(&number.to_string()).unwrap(),
    };
    for number in 10..60 {
        let (owner, draft) = (UserId(number.into()), draft(number));
        uploads.insert(&NewUpload { id: UploadId([number; 16]), owner, draft: &draft, at: AT }).await.unwrap();
        usages.reserve(owner, 1, &limits, AT).await.unwrap();
    }
    let (id, draft, end) = (UploadId([1; 16]), draft(1), AT.plus(Duration::from_hours(25)));
    let deleted = say(mongo, ROOM, ANNA, "x").await.id;
    let purge = doc! { "$set": { "purge": [id.to_string()], "deleted_at": DateTime::from_millis(0) } };
    let messages = collection(&database, "messages").await;
    messages.update_one(doc! { "_id": ObjectId::from_bytes(deleted.0) }, purge).await.unwrap();
    let mut watch = Watch::over(&database).await;

    watch.watch("reserve", 1, usages.reserve(ANNA, 1, &limits, AT)).await;
    watch.watch("find_by_client_id", 1, uploads.find_by_client_id(ANNA, &draft.client_id)).await;
    watch.watch("insert", 0, uploads.insert(&NewUpload { id, owner: ANNA, draft: &draft, at: AT })).await;
    watch.watch("find", 1, uploads.find(id)).await;
    watch.watch("find_own", 1, uploads.find_own(ANNA, id)).await;
    watch.watch("note_multipart", 1, uploads.note_multipart(id, "x")).await;
    watch.watch("arrive", 1, uploads.arrive(id, 1, "x", AT)).await;
    watch.watch("list_uninspected", 1, uploads.list_uninspected(AT.plus(Duration::from_mins(1)), 5)).await;
    watch.watch("lease", 1, uploads.lease(id, AT)).await;
    watch.watch("end_own", 1, uploads.end_own(ANNA, id, AT)).await;
    watch.watch("list_holders", 0, uploads.list_holders(&[id])).await;
    watch.watch("find_oldest_due", 1, uploads.find_oldest_due(end)).await;
    let due = watch.watch("list_due", 3, uploads.list_due(end, 3)).await;
    watch.watch("postpone", 1, uploads.postpone(&due[0], end)).await;
    watch.watch("expire", 1, uploads.expire(&due[1], end)).await;
    let purges = watch.watch("list_purges", 1, uploads.list_purges(3)).await;
    watch.watch("end_purged", 1, uploads.end_purged(&purges, AT)).await;
    watch.watch("list_range", 3, uploads.list_range(Some("01"), Some("0c"), 5)).await;
    watch.watch("list_unchecked", 3, usages.list_unchecked(end, 3)).await;
    watch.watch("recount", 1, usages.recount(ANNA, end)).await;
    watch.watch("end_of_person", 1, uploads.end_of_person(UserId(12), AT)).await;

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}

#[tokio::test]
async fn no_command_on_files_of_messages_walks_a_collection() {
    let database = town().await;
    let (mongo, uploads, rooms) = (&database.mongo, database.mongo.uploads(), database.mongo.rooms());
    for number in 10..30 {
        Uploaded::by(UserId(number.into()), number).make(mongo, AT).await;
    }
    let upload = Uploaded::by(ANNA, 1).make(mongo, AT).await;
    let attachments = vec![Attach { upload, poster: None }];
    let claim = UploadClaim::of(&MessageDraft { attachments, ..draft(ROOM, ANNA, "c", "x") }).unwrap();
    let sent = say(mongo, ROOM, ANNA, "x").await.id;
    let (access, wide_mentions) = (access_as_of(2, group(1), &[]), WideMentions::Admins);
    let rights = GroupRights { access: &access, name: "x", wide_mentions, is_public: false, picture: None };
    rooms.project_group(rights, AT).await.unwrap();
    let mut causal = mongo.causal().await.unwrap();
    let mut watch = Watch::over(&database).await;

    watch.watch("claim", 1, uploads.claim(&claim, AT)).await;
    watch.watch("give_back", 1, uploads.give_back(&claim)).await;
    watch.watch("attach", 1, uploads.attach(sent, ANNA, &[upload], AT)).await;
    watch.watch("list_files", 1, mongo.messages().list_files(&mut causal, &[sent], ANNA)).await;
    watch.watch("purge_tombstones", 1, uploads.purge_tombstones(&[upload])).await;
    let mut ended = watch.watch("list_ended", 1, rooms.list_ended(AT, 5)).await;
    watch.watch("purge_ended", 50, rooms.purge_ended(&mut ended[0])).await;

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}

#[tokio::test]
async fn no_command_on_pictures_walks_a_collection() {
    let database = town().await;
    let (mongo, uploads) = (&database.mongo, database.mongo.uploads());
    let uploaded = |owner: UserId, number, purpose| Uploaded { purpose, ..Uploaded::by(owner, number) };
    for number in 10_u8..30 {
        uploaded(UserId(number.into()), number, Purpose::Avatar).make(mongo, AT).await;
    }
    let avatar = uploaded(UserId(107), 1, Purpose::Avatar).make(mongo, AT).await;
    let other = uploaded(UserId(107), 2, Purpose::Avatar).make(mongo, AT).await;
    let shown = Picture { id: avatar, thumbhash: "x".to_owned() };
    mongo.people().project(&Person { version: 3, avatar: Some(shown.clone()), ..person(107) }).await.unwrap();
    let (access, wide_mentions) = (access_as_of(2, group(1), &[ANNA, BORA]), WideMentions::Admins);
    let rights = GroupRights { access: &access, name: "x", wide_mentions, is_public: true, picture: Some(&shown) };
    mongo.rooms().project_group(rights, AT).await.unwrap();
    let (person, room) = (PictureOf::Person(UserId(107)), PictureOf::Group(group(1).id));
    // Most of them show another picture, or none.
    let mut pictures: Vec<_> = (100..148).map(|id| (PictureOf::Person(UserId(id)), avatar)).collect();
    pictures.push((room, avatar));
    let mut watch = Watch::over(&database).await;

    watch.watch("claim_picture", 1, uploads.claim_picture(person, UserId(107), avatar, AT)).await;
    watch.watch("claim_picture of another", 1, uploads.claim_picture(person, ANNA, avatar, AT)).await;
    watch.watch("keep_picture", 1, uploads.keep_picture(person, avatar, AT)).await;
    watch.watch("end_picture", 1, uploads.end_picture(person, other, AT)).await;
    let visible = watch.watch("list_visible_pictures", 48, uploads.list_visible_pictures(EVE, &pictures)).await;

    assert_eq!(visible, [(person, avatar), (room, avatar)]);
    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}
