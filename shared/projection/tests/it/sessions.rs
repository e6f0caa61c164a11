use crate::stores::{LIFETIME, NOON, Stores, note};
use domain::{
    Aggregate, Code, ConnectionId, Family, Fault, Locale, SessionId, UserId,
    notification::{Address, Device},
};
use mongo::Connection;
use mysql::Tx;
use projection::Changed;
use std::time::Duration;
use testkit::{mongo::Profile, statements};
use tokio::task::JoinSet;

const DAY: Duration = Duration::from_hours(24);

async fn end(tx: &mut Tx, (id, user): (SessionId, UserId)) -> Result<Changed<()>, Fault> {
    let touched = vec![Aggregate::Sessions(user)];
    tx.sessions().revoke(&id, user, NOON).await?;
    tx.outbox().insert(&touched, NOON).await?;
    Ok(Changed::quietly(touched, ()))
}

async fn family(tx: &mut Tx, id: SessionId) -> Result<Option<Family>, Fault> {
    tx.sessions().lock(&id).await
}

impl Stores {
    async fn connect(&self, user: UserId, session: &SessionId, id: &str) {
        let id = ConnectionId(id.to_owned());
        let connection = Connection {
            id,
            user,
            session: session.clone(),
            locale: Locale::En,
            connected_at: NOON,
            active_until: NOON,
            viewing: None,
        };
        self.projector.mongo.connections().insert(&connection).await.unwrap();
    }

    async fn connections(&self, user: UserId) -> Vec<String> {
        let found = self.projector.mongo.connections().list_of_people(&[user], NOON).await.unwrap();
        let mut ids: Vec<_> = found.into_iter().map(|connection| connection.id.0).collect();
        ids.sort();
        ids
    }
}

#[tokio::test]
async fn ended_session_is_refused_and_its_connections_are_closed() {
    let stores = Stores::new().await;
    let user = stores.pair[0];
    let session = stores.log_in(user, 1).await;
    stores.connect(user, &session, "phone").await;
    stores.connect(user, &session, "tab").await;

    stores.projector.change((session.clone(), user), end).await.unwrap();

    assert!(stores.is_ended(user, &session).await);
    assert_eq!(stores.connections(user).await, [""; 0]);
    assert_eq!(stores.waiting().await, 0);
}

fn device(user: UserId, session: &SessionId, number: u8) -> Device {
    Device {
        user,
        installation: format!("5f0c9d1e-7a3b-4c2d-9e8f-{number:012x}").parse().unwrap(),
        session: session.clone(),
        address: Address::Fcm(number.to_string()),
        locale: Locale::Ko,
        time_zone: None,
        app_version: None,
        created_at: NOON,
        seen_at: NOON,
        last_push_at: None,
        last_error: None,
    }
}

impl Stores {
    async fn register(&self, device: &Device) {
        let mongo = &self.projector.mongo;
        let mut causal = mongo.causal().await.unwrap();
        mongo.devices().register_in(&mut causal, device, device.address.token()).await.unwrap();
        mongo.devices().confirm(device).await.unwrap();
    }

    async fn devices(&self, user: UserId) -> Vec<String> {
        let found = self.projector.mongo.devices().list(user).await.unwrap();
        found.into_iter().map(|device| device.address.token().to_owned()).collect()
    }
}

#[tokio::test]
async fn ended_session_takes_its_devices_along() {
    let stores = Stores::new().await;
    let [user, other] = stores.pair;
    let [ended, kept, theirs] =
        [stores.log_in(user, 1).await, stores.log_in(user, 2).await, stores.log_in(other, 3).await];
    for device in [device(user, &ended, 1), device(user, &kept, 2), device(other, &theirs, 3)] {
        stores.register(&device).await;
    }

    stores.projector.change((ended, user), end).await.unwrap();

    assert_eq!([stores.devices(user).await, stores.devices(other).await], [["2"], ["3"]]);
}

#[tokio::test]
async fn device_that_another_login_registers_outlives_the_first() {
    let stores = Stores::new().await;
    let user = stores.pair[0];
    let [ended, kept] = [stores.log_in(user, 1).await, stores.log_in(user, 2).await];
    for session in [&ended, &kept] {
        stores.register(&device(user, session, 1)).await;
    }

    stores.projector.change((ended, user), end).await.unwrap();

    assert_eq!(stores.devices(user).await, ["1"]);
}

#[tokio::test]
async fn other_sessions_go_on() {
    let stores = Stores::new().await;
    let [user, other] = stores.pair;
    let [ended, kept, theirs] =
        [stores.log_in(user, 1).await, stores.log_in(user, 2).await, stores.log_in(other, 3).await];
    stores.connect(user, &ended, "phone").await;
    stores.connect(user, &kept, "laptop").await;
    stores.connect(other, &theirs, "tablet").await;

    stores.projector.change((ended, user), end).await.unwrap();

    assert!(!stores.is_ended(user, &kept).await && !stores.is_ended(other, &theirs).await);
    assert_eq!([stores.connections(user).await, stores.connections(other).await], [["laptop"], ["tablet"]]);
}

#[tokio::test]
async fn ended_session_is_refused_until_its_last_token_expires() {
    let stores = Stores::new().await;
    let session = stores.log_in(stores.pair[0], 1).await;

    stores.projector.change((session.clone(), stores.pair[0]), end).await.unwrap();

    let until = testkit::mongo::expires_at(&stores.mongo.url, "gates", stores.pair[0].0).await;
    let expiry = NOON.plus(LIFETIME);
    assert!(until.is_some_and(|until| until >= expiry && until <= expiry.plus(Duration::from_mins(1))), "{until:?}");
}

#[tokio::test]
async fn every_session_of_an_account_that_was_closed_is_refused() {
    let stores = Stores::new().await;
    let [user, other] = stores.pair;
    let sessions = [stores.log_in(user, 1).await, stores.log_in(user, 2).await];
    let theirs = stores.log_in(other, 3).await;
    stores.connect(user, &sessions[0], "phone").await;
    stores.deactivate(user).await;

    stores.projector.project(Aggregate::Person(user)).await.unwrap();

    assert!(stores.is_ended(user, &sessions[0]).await && stores.is_ended(user, &sessions[1]).await);
    assert!(!stores.is_ended(other, &theirs).await);
    assert_eq!(stores.connections(user).await, [""; 0]);
    assert!(!stores.person(user).await.unwrap().is_active);
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn session_whose_tokens_expired_is_not_refused_by_name() {
    for (age, is_refused) in [(LIFETIME, true), (LIFETIME + Duration::from_mins(2), false)] {
        let stores = Stores::new().await;
        let session = stores.log_in_at(NOON.minus(age), stores.pair[0], 1).await;
        stores.mysql().sessions().revoke(&session, stores.pair[0], NOON.minus(age)).await.unwrap();

        stores.projector.project(Aggregate::Sessions(stores.pair[0])).await.unwrap();

        assert_eq!(stores.is_ended(stores.pair[0], &session).await, is_refused, "ended {age:?} ago");
    }
}

#[tokio::test]
async fn sessions_of_an_account_stay_ended_when_it_comes_back() {
    let stores = Stores::new().await;
    let user = stores.pair[0];
    let session = stores.log_in(user, 1).await;
    stores.deactivate(user).await;
    stores.projector.project(Aggregate::Person(user)).await.unwrap();

    stores.activate(user).await;
    stores.projector.project(Aggregate::Person(user)).await.unwrap();

    assert_eq!(stores.mysql().sessions().list_live(user, NOON).await.unwrap(), []);
    assert!(stores.is_ended(user, &session).await);
}

#[tokio::test]
async fn account_reactivated_before_projection_keeps_its_sessions() {
    let stores = Stores::new().await;
    let user = stores.pair[0];
    let session = stores.log_in(user, 1).await;
    stores.deactivate(user).await;
    stores.activate(user).await;

    stores.projector.project(Aggregate::Person(user)).await.unwrap();

    assert_eq!(stores.mysql().sessions().list_live(user, NOON).await.unwrap(), std::slice::from_ref(&session));
    assert!(!stores.is_ended(user, &session).await);
}

/// Somebody with 60,000 sessions that ended an hour ago, 500 that ended a minute ago, and one that lives; each kind has sockets.
async fn long_history() -> (Stores, UserId, SessionId) {
    let stores = Stores::new().await;
    let user = stores.pair[0];
    stores.end_many(user, 60_000, NOON.minus(Duration::from_hours(1))).await;
    stores.end_many(user, 500, NOON.minus(Duration::from_mins(1))).await;
    let session = stores.log_in(user, 1).await;
    let old = stores.mysql_ids(user).await;
    for (n, session) in old.iter().step_by(6_000).enumerate() {
        stores.connect(user, session, &format!("old {n}")).await;
    }
    stores.connect(user, &session, "phone").await;
    (stores, user, session)
}

#[tokio::test]
async fn ending_a_session_costs_the_same_after_sixty_thousand_others() {
    let (stores, user, session) = long_history().await;
    let mut profile = Profile::of(&stores.mongo).await;

    let statements = statements(async || {
        stores.projector.change((session.clone(), user), end).await.unwrap();
    })
    .await;

    // The gate, its person's connections and devices, the removal of the connections, and that presence is to be looked at.
    assert_eq!(profile.count().await, 5);
    // The end and its outbox row; what ended lately, what lives, and the outbox row again.
    assert!(statements.len() <= 7, "{statements:#?}");
    assert!(stores.is_ended(user, &session).await);
    assert_eq!(stores.connections(user).await, [""; 0]);
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn sixty_thousand_sessions_of_one_person_keep_nobody_else_back() {
    let (stores, user, session) = long_history().await;
    stores.mysql().sessions().revoke(&session, user, NOON).await.unwrap();
    stores.mysql().transact(vec![Aggregate::Sessions(user), Aggregate::Person(stores.pair[1])], note).await.unwrap();

    let relayed = stores.projector.relay(NOON.plus(Duration::from_secs(1))).await.unwrap();

    assert_eq!((relayed.projected, relayed.failed), (2, 0));
    assert!(stores.is_ended(user, &session).await);
    assert_eq!(stores.connections(user).await, [""; 0]);
}

#[tokio::test]
async fn sessions_that_were_over_long_ago_are_forgotten() {
    let stores = Stores::new().await;
    let [user, other] = stores.pair;
    let age = LIFETIME + DAY + Duration::from_mins(1);
    stores.end_many(user, 2_500, NOON.minus(age + Duration::from_millis(1))).await;
    stores.end_many(other, 3, NOON.minus(age)).await;
    let idle = stores.log_in_at(NOON.minus(Family::IDLE + age + DAY), user, 1).await;
    let live = stores.log_in(user, 2).await;
    stores.register(&device(user, &idle, 1)).await;
    stores.register(&device(user, &live, 2)).await;

    let forgotten = stores.projector.purge_sessions(NOON.plus(DAY)).await.unwrap();

    assert_eq!(forgotten, 2_501);
    assert_eq!(stores.mysql_ids(user).await, [live]);
    assert_eq!(stores.mysql_ids(other).await.len(), 3);
    assert_eq!(stores.mysql().transact(idle, family).await.unwrap(), None);
    assert_eq!(stores.devices(user).await, ["2"], "a device goes with the session that idled");
}

#[tokio::test]
async fn forgetting_stops_when_the_time_is_over() {
    let stores = Stores::new().await;
    stores.end_many(stores.pair[0], 2_500, NOON.minus(10 * DAY)).await;

    assert_eq!(stores.projector.purge_sessions(NOON).await.unwrap(), 1_000);
    assert_eq!(stores.projector.purge_sessions(NOON.plus(DAY)).await.unwrap(), 1_500);
}

#[tokio::test]
async fn connection_opened_while_its_session_ends_is_closed() {
    let stores = Stores::new().await;
    let user = stores.pair[0];
    let session = stores.log_in(user, 1).await;
    stores.projector.change((session.clone(), user), end).await.unwrap();
    stores.connect(user, &session, "late").await;

    stores.projector.change((session.clone(), user), end).await.unwrap();

    assert_eq!(stores.connections(user).await, [""; 0]);
}

#[tokio::test]
async fn unprojected_session_end_fails_and_stays_in_the_outbox() {
    let stores = Stores::new().await;
    let session = stores.log_in(stores.pair[0], 1).await;

    let fault = stores.cut_off().await.change((session.clone(), stores.pair[0]), end).await.unwrap_err();

    assert_eq!(fault.code, Code::Unavailable);
    assert_eq!(stores.waiting().await, 1);
    assert!(!stores.is_ended(stores.pair[0], &session).await);
}

#[tokio::test]
async fn twenty_sessions_ended_at_once_are_all_refused() {
    let stores = Stores::new().await;
    let user = stores.pair[0];
    let mut sessions = Vec::new();
    for byte in 1..=20 {
        let session = stores.log_in(user, byte).await;
        stores.connect(user, &session, &format!("connection {byte}")).await;
        sessions.push(session);
    }
    let mut ends = JoinSet::new();
    for session in sessions.clone() {
        let projector = stores.projector.clone();
        ends.spawn(async move { projector.change((session, user), end).await });
    }

    ends.join_all().await.into_iter().for_each(Result::unwrap);

    for session in &sessions {
        assert!(stores.is_ended(user, session).await, "{session}");
    }
    assert_eq!(stores.connections(user).await, [""; 0]);
    assert_eq!(stores.waiting().await, 0);
}
