use crate::stores::{LIFETIME, NOON, Stores};
use domain::{Aggregate, Code, ConnectionId, Fault, Locale, SessionId, UserId};
use mongo::Connection;
use mysql::Tx;
use projection::Changed;
use std::time::Duration;
use tokio::task::JoinSet;

const DAY: Duration = Duration::from_hours(24);

async fn end(tx: &mut Tx, (id, user): (SessionId, UserId)) -> Result<Changed<()>, Fault> {
    let touched = vec![Aggregate::Sessions(user)];
    tx.sessions().revoke(&id, user, NOON).await?;
    tx.outbox().insert(&touched, NOON).await?;
    Ok(Changed::quietly(touched, ()))
}

impl Stores {
    async fn connect(&self, user: UserId, session: &SessionId, id: &str) {
        let id = ConnectionId(id.to_owned());
        let connection = Connection { id, user, session: session.clone(), locale: Locale::En, connected_at: NOON };
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
async fn a_session_that_was_ended_is_refused_and_its_connections_are_forgotten() {
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
async fn a_session_is_refused_until_the_last_of_its_tokens_has_expired() {
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
async fn a_session_that_was_last_used_long_ago_is_not_looked_for_any_more() {
    for (age, is_looked_for) in [(DAY, true), (DAY + LIFETIME, false)] {
        let stores = Stores::new().await;
        let session = stores.log_in_at(NOON.minus(age), stores.pair[0], 1).await;
        stores.mysql().sessions().revoke(&session, stores.pair[0], NOON).await.unwrap();

        stores.projector.project(Aggregate::Sessions(stores.pair[0])).await.unwrap();

        assert_eq!(stores.is_ended(stores.pair[0], &session).await, is_looked_for, "used {age:?} ago");
    }
}

#[tokio::test]
async fn a_connection_that_was_opened_while_its_session_ended_is_forgotten_by_the_same_request() {
    let stores = Stores::new().await;
    let user = stores.pair[0];
    let session = stores.log_in(user, 1).await;
    stores.projector.change((session.clone(), user), end).await.unwrap();
    stores.connect(user, &session, "late").await;

    stores.projector.change((session.clone(), user), end).await.unwrap();

    assert_eq!(stores.connections(user).await, [""; 0]);
}

#[tokio::test]
async fn an_end_that_mongodb_did_not_learn_is_no_success_and_is_not_forgotten() {
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
