use crate::scene::{ANNA, AT, BORA, environments, eventually, scene};
use domain::{
    Locale, SessionId, Timestamp, UserId,
    notification::{Address, Device, Installation, MOST_DEVICES, PushHost, Subscription, TimeZone},
};
use mongo::{Mongo, Registered};
use std::time::Duration;
use testkit::mongo::Profile;
use tokio::task::JoinSet;

fn installation(n: u32) -> Installation {
    format!("5f0c9d1e-7a3b-4c2d-9e8f-{n:012x}").parse().unwrap()
}

fn session(name: &str) -> SessionId {
    SessionId(name.to_owned())
}

fn later(seconds: u64) -> Timestamp {
    AT.plus(Duration::from_secs(seconds))
}

fn device(user: UserId, n: u32, token: &str, at: Timestamp) -> Device {
    Device {
        user,
        installation: installation(n),
        session: session("s"),
        address: Address::Fcm(token.to_owned()),
        locale: Locale::Ko,
        time_zone: Some(TimeZone::parse("Asia/Seoul").unwrap()),
        app_version: Some("1.2.3".to_owned()),
        created_at: at,
        seen_at: at,
        last_push_at: None,
        last_error: None,
    }
}

/// Registers a device under its token, as if that were its hash.
async fn register(mongo: &Mongo, device: &Device) -> (Device, bool) {
    let Registered { device, is_new, is_pending } = begin(mongo, device).await;
    if is_pending {
        mongo.devices().confirm(&device).await.unwrap();
    }
    (device, is_new)
}

/// The part of a registration before the session is looked at.
async fn begin(mongo: &Mongo, device: &Device) -> Registered {
    let mut causal = mongo.causal().await.unwrap();
    mongo.devices().register_in(&mut causal, device, device.address.token()).await.unwrap()
}

async fn tokens(mongo: &Mongo, user: UserId) -> Vec<String> {
    let devices = mongo.devices().list(user).await.unwrap();
    devices.into_iter().map(|device| device.address.token().to_owned()).collect()
}

#[tokio::test]
async fn device_of_each_platform_reads_back() {
    let database = scene().await;
    let subscription =
        Subscription { endpoint: "https://push.example/1".to_owned(), p256dh: vec![4; 65], auth: vec![7; 16] };
    for (n, address) in [
        Address::Fcm("f".to_owned()),
        Address::Apns("a".to_owned(), PushHost::Development),
        Address::Webpush(subscription),
    ]
    .into_iter()
    .enumerate()
    {
        let device = Device { address, ..device(ANNA, u32::try_from(n).unwrap(), "", AT) };

        assert_eq!(register(&database.mongo, &device).await, (device.clone(), true));
        assert_eq!(database.mongo.devices().find(ANNA, &device.installation).await.unwrap(), Some(device));
    }
}

#[tokio::test]
async fn device_that_registers_again_is_the_same_one() {
    let database = scene().await;
    let first = device(ANNA, 1, "t", AT);
    register(&database.mongo, &first).await;
    database.mongo.devices().note_pushes(&[&first], later(1), None).await.unwrap();
    let again = Device { locale: Locale::En, ..device(ANNA, 1, "t", later(9)) };
    let mut profile = Profile::of(&database).await;

    for (login, writes) in [("s", 1), ("next", 2)] {
        let again = Device { session: session(login), ..again.clone() };

        let (known, is_new) = register(&database.mongo, &again).await;

        assert_eq!(profile.fresh().await.len(), writes, "{login}");
        assert!(!is_new);
        assert_eq!(known, Device { created_at: AT, last_push_at: Some(later(1)), ..again });
        assert_eq!(database.mongo.devices().list(ANNA).await.unwrap(), [known]);
        profile.fresh().await;
    }
}

#[tokio::test]
async fn nobody_sees_a_device_whose_session_was_not_looked_at() {
    let database = scene().await;
    let mongo = &database.mongo;
    let phone = device(ANNA, 1, "t", AT);
    for (login, is_new) in [("s", true), ("s", false), ("next", false), ("next", false)] {
        let phone = Device { session: session(login), ..phone.clone() };

        let begun = begin(mongo, &phone).await;

        assert_eq!(begun, Registered { device: phone.clone(), is_new, is_pending: true }, "{login}");
        assert_eq!(tokens(mongo, ANNA).await, [""; 0]);
        assert_eq!(mongo.devices().find(ANNA, &phone.installation).await.unwrap(), None);
        if !is_new {
            mongo.devices().confirm(&Device { session: session("another"), ..phone.clone() }).await.unwrap();
            assert_eq!(tokens(mongo, ANNA).await, [""; 0]);
        }
    }
    register(mongo, &phone).await;
    assert_eq!(tokens(mongo, ANNA).await, ["t"]);
}

#[tokio::test]
async fn another_token_takes_the_place_of_the_first() {
    let database = scene().await;
    register(&database.mongo, &device(ANNA, 1, "old", AT)).await;

    let Registered { device, is_new, is_pending } = begin(&database.mongo, &device(ANNA, 1, "new", later(1))).await;

    assert_eq!((device.created_at, is_new, is_pending), (AT, false, false));
    assert_eq!(tokens(&database.mongo, ANNA).await, ["new"]);
}

#[tokio::test]
async fn token_belongs_to_its_latest_registration() {
    let database = scene().await;
    register(&database.mongo, &device(ANNA, 1, "shared", AT)).await;

    let (_, is_new) = register(&database.mongo, &device(BORA, 2, "shared", later(1))).await;

    assert!(is_new);
    assert_eq!(tokens(&database.mongo, ANNA).await, [""; 0]);
    assert_eq!(tokens(&database.mongo, BORA).await, ["shared"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn token_that_many_register_at_once_is_one_persons() {
    let database = scene().await;
    let mut registrations = JoinSet::new();
    for (n, mongo) in (1..).zip(environments(&database, 20).await) {
        registrations.spawn(async move { register(&mongo, &device(UserId(n), 1, "shared", AT)).await });
    }
    registrations.join_all().await;

    let people: Vec<_> = (1..=20).map(UserId).collect();
    let left = database.mongo.devices().list_of_people(&people).await.unwrap();

    assert_eq!(left.len(), 1, "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_registrations_at_once_leave_the_twenty_newest() {
    let database = scene().await;
    let mut registrations = JoinSet::new();
    for (n, mongo) in (0..).zip(environments(&database, 30).await) {
        registrations.spawn(async move {
            register(&mongo, &device(ANNA, n, &n.to_string(), later(n.into()))).await;
        });
    }
    registrations.join_all().await;

    let newest: Vec<_> = (10..30).rev().map(|n| n.to_string()).collect();
    assert_eq!(newest.len(), MOST_DEVICES);
    assert_eq!(tokens(&database.mongo, ANNA).await, newest);
}

#[tokio::test]
async fn session_that_ends_takes_its_devices_alone() {
    let database = scene().await;
    let mongo = &database.mongo;
    for (n, name) in [(1, "phone"), (2, "phone"), (3, "tablet")] {
        let device = Device { session: session(name), ..device(ANNA, n, &n.to_string(), later(n.into())) };
        register(mongo, &device).await;
    }
    register(mongo, &Device { session: session("phone"), ..device(BORA, 4, "4", AT) }).await;

    let mut causal = mongo.causal().await.unwrap();
    let sessions = mongo.devices().list_sessions_in(&mut causal, ANNA).await.unwrap();
    mongo.devices().remove_of_sessions(ANNA, &[session("phone")]).await.unwrap();

    assert_eq!(sessions, [session("phone"), session("tablet")].into());
    assert_eq!((tokens(mongo, ANNA).await, tokens(mongo, BORA).await), (vec!["3".to_owned()], vec!["4".to_owned()]));
}

#[tokio::test]
async fn device_that_another_login_registered_is_not_withdrawn() {
    let database = scene().await;
    let old = device(ANNA, 1, "t", AT);
    register(&database.mongo, &Device { session: session("next"), ..old.clone() }).await;

    database.mongo.devices().withdraw(&old).await.unwrap();

    assert_eq!(tokens(&database.mongo, ANNA).await, ["t"]);
}

#[tokio::test]
async fn old_word_of_a_platform_keeps_a_device_that_registered_again() {
    let database = scene().await;
    let (mongo, old) = (&database.mongo, device(ANNA, 1, "t", AT));
    register(mongo, &device(ANNA, 1, "t", later(9))).await;

    mongo.devices().remove_unregistered(&old, later(8)).await.unwrap();
    assert_eq!(tokens(mongo, ANNA).await, ["t"]);
    let other = device(ANNA, 1, "before", AT);
    mongo.devices().remove_unregistered(&other, later(99)).await.unwrap();
    assert_eq!(tokens(mongo, ANNA).await, ["t"], "the token is another one");
    mongo.devices().remove_unregistered(&old, later(9)).await.unwrap();
    assert_eq!(tokens(mongo, ANNA).await, [""; 0]);
}

#[tokio::test]
async fn outcome_of_a_push_stands_until_the_next_one() {
    let database = scene().await;
    let (devices, this) = (database.mongo.devices(), device(ANNA, 1, "t", AT));
    register(&database.mongo, &this).await;
    // A majority knows of a note a moment later.
    let becomes = async |at: Option<Timestamp>, error: Option<&str>| {
        eventually(async || {
            let device = devices.find(ANNA, &this.installation).await.unwrap().unwrap();
            (device.last_push_at, device.last_error.as_deref()) == (at, error)
        })
        .await;
    };

    devices.note_pushes(&[&this], later(1), Some("unavailable")).await.unwrap();
    becomes(None, Some("unavailable")).await;
    devices.note_pushes(&[&this], later(2), None).await.unwrap();
    becomes(Some(later(2)), None).await;
}
