use crate::{
    pages::{every_page, size},
    people::{NOON, deactivate, join, join_all},
};
use domain::{Aggregate, Family, Fault, SessionId, Timestamp, UserId};
use mysql::{Mysql, NewSession, Tx};
use sqlx::{Connection as _, Executor as _, MySqlConnection, MySqlPool};
use std::time::Duration;
use testkit::mysql::Database;
use tokio::task::JoinSet;

/// Everybody's.
const PASSWORD_HASH: &str = "$argon2id$";
const HOUR: Duration = Duration::from_hours(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// A login whose id is a byte repeated, so that ids sort by it.
async fn log_in(mysql: &Mysql, user: UserId, byte: u8, at: Timestamp) -> SessionId {
    let id = SessionId::from_bytes([byte; 16]);
    let user_agent = Some(format!("device {byte}"));
    let session = NewSession { id: id.clone(), user, user_agent, at, expires_at: at.plus(Family::LIFE) };
    assert!(mysql.sessions().insert(session, PASSWORD_HASH).await.unwrap());
    id
}

async fn family(tx: &mut Tx, id: SessionId) -> Result<Option<Family>, Fault> {
    tx.sessions().lock(&id).await
}

async fn is_live(mysql: &Mysql, id: &SessionId) -> bool {
    mysql.transact(id.clone(), family).await.unwrap().unwrap().is_live
}

async fn rotate_once(tx: &mut Tx, id: SessionId) -> Result<u32, Fault> {
    let generation = tx.sessions().lock(&id).await?.unwrap().generation + 1;
    tx.sessions().rotate(&id, generation, None, NOON).await?;
    Ok(generation)
}

async fn note(tx: &mut Tx, changed: Vec<Aggregate>) -> Result<(), Fault> {
    tx.outbox().insert(&changed, NOON).await
}

/// When a login was ended.
async fn ended_at(database: &Database, id: &SessionId) -> Option<Timestamp> {
    let mut connection = MySqlConnection::connect(&database.url).await.unwrap();
    let query =
        sqlx::query_scalar("SELECT CAST(UNIX_TIMESTAMP(revoked_at) * 1000 AS SIGNED) FROM sessions WHERE id = ?");
    connection.execute("SET time_zone = '+00:00'").await.unwrap();
    let millis: Option<i64> = query.bind(&id.0).fetch_one(&mut connection).await.unwrap();
    millis.map(Timestamp::from_millis)
}

/// A database and two people.
async fn stage() -> (Database, UserId, UserId) {
    let database = Database::new().await;
    let [user, other] = join_all(&database.mysql, ["aa", "bb"]).await;
    (database, user, other)
}

async fn listed(mysql: &Mysql, user: UserId, now: Timestamp, page: i64) -> Vec<SessionId> {
    let list = async |before: Option<_>| mysql.sessions().list(user, before.as_ref(), size(page), now).await;
    every_page(list).await.into_iter().map(|session| session.id).collect()
}

#[tokio::test]
async fn login_keeps_its_times_and_a_truncated_user_agent() {
    let database = Database::new().await;
    let user = join(&database.mysql, "tom").await;
    let session = NewSession {
        id: SessionId::from_bytes([7; 16]),
        user,
        user_agent: Some("폰".repeat(300)),
        at: NOON,
        expires_at: NOON.plus(Duration::from_hours(90 * 24)),
    };

    assert!(database.mysql.sessions().insert(session, PASSWORD_HASH).await.unwrap());

    let pool = MySqlPool::connect(&database.url).await.unwrap();
    let row: (String, i32, i32, Option<String>, bool) = sqlx::query_as(
        "SELECT id, generation, TIMESTAMPDIFF(DAY, created_at, expires_at), user_agent, revoked_at IS NULL FROM sessions",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(row, ("07".repeat(16), 1, 90, Some("폰".repeat(255)), true));
}

#[tokio::test]
async fn rotation_raises_the_generation_and_not_the_end() {
    let (database, user, _) = stage().await;
    let id = log_in(&database.mysql, user, 1, NOON).await;

    database.mysql.sessions().rotate(&id, 2, None, NOON.plus(HOUR)).await.unwrap();

    let (rotated_at, expires_at) = (NOON.plus(HOUR), NOON.plus(Family::LIFE));
    let expected =
        Family { id: id.clone(), user, generation: 2, attempt_hash: None, rotated_at, expires_at, is_live: true };
    assert_eq!(database.mysql.transact(id, family).await.unwrap(), Some(expected));
}

#[tokio::test]
async fn unknown_session_has_no_tokens() {
    let (database, ..) = stage().await;

    assert_eq!(database.mysql.transact(SessionId::from_bytes([9; 16]), family).await.unwrap(), None);
}

#[tokio::test]
async fn twenty_new_generations_at_once_come_one_after_another() {
    let (database, user, _) = stage().await;
    let id = log_in(&database.mysql, user, 1, NOON).await;
    let mut attempts = JoinSet::new();
    for _ in 0..20 {
        let (mysql, id) = (database.mysql.clone(), id.clone());
        attempts.spawn(async move { mysql.transact(id, rotate_once).await.unwrap() });
    }

    let mut generations = attempts.join_all().await;

    generations.sort_unstable();
    assert_eq!(generations, (2..=21).collect::<Vec<_>>());
}

#[tokio::test]
async fn ended_session_is_not_live() {
    let (database, user, _) = stage().await;
    let id = log_in(&database.mysql, user, 1, NOON).await;

    database.mysql.sessions().revoke(&id, user, NOON).await.unwrap();

    assert!(!is_live(&database.mysql, &id).await);
}

#[tokio::test]
async fn session_of_inactive_account_is_not_live() {
    let (database, user, _) = stage().await;
    let id = log_in(&database.mysql, user, 1, NOON).await;

    deactivate(&database, user).await;

    assert!(!is_live(&database.mysql, &id).await);
}

#[tokio::test]
async fn session_of_another_person_cannot_be_ended() {
    let (database, user, other) = stage().await;
    let id = log_in(&database.mysql, user, 1, NOON).await;

    database.mysql.sessions().revoke(&id, other, NOON).await.unwrap();

    assert!(is_live(&database.mysql, &id).await);
}

#[tokio::test]
async fn ended_session_keeps_its_time() {
    let (database, user, _) = stage().await;
    let id = log_in(&database.mysql, user, 1, NOON).await;
    database.mysql.sessions().revoke(&id, user, NOON).await.unwrap();

    database.mysql.sessions().revoke(&id, user, NOON.plus(HOUR)).await.unwrap();

    assert_eq!(ended_at(&database, &id).await, Some(NOON));
}

#[tokio::test]
async fn ending_all_others_leaves_this_login_and_other_people() {
    let (database, user, other) = stage().await;
    let mysql = &database.mysql;
    let kept = log_in(mysql, user, 2, NOON).await;
    let ended = [log_in(mysql, user, 1, NOON).await, log_in(mysql, user, 3, NOON).await];
    let theirs = log_in(mysql, other, 4, NOON).await;

    mysql.sessions().revoke_others(&kept, user, NOON.plus(HOUR)).await.unwrap();

    assert_eq!(mysql.sessions().list_ended(user, NOON.minus(HOUR)).await.unwrap().sessions, ended);
    assert!(is_live(mysql, &kept).await && is_live(mysql, &theirs).await);
}

#[tokio::test]
async fn ending_all_others_leaves_alone_what_ended_before_or_was_given_up() {
    let (database, user, _) = stage().await;
    let mysql = &database.mysql;
    let [kept, ended, idle] =
        [log_in(mysql, user, 1, NOON).await, log_in(mysql, user, 2, NOON).await, log_in(mysql, user, 3, NOON).await];
    let later = NOON.plus(Family::IDLE);
    mysql.sessions().rotate(&ended, 2, None, NOON.plus(HOUR)).await.unwrap();
    mysql.sessions().revoke(&ended, user, NOON.plus(HOUR)).await.unwrap();

    mysql.sessions().revoke_others(&kept, user, later).await.unwrap();

    assert_eq!([ended_at(&database, &ended).await, ended_at(&database, &idle).await], [Some(NOON.plus(HOUR)), None]);
}

#[tokio::test]
async fn logins_come_the_newest_first_also_those_of_one_millisecond() {
    let (database, user, other) = stage().await;
    let mysql = &database.mysql;
    let mut expected = Vec::new();
    for (byte, millis) in [(5, 0), (3, 0), (9, 0), (4, 1), (8, 1), (1, 1), (2, 2), (7, 3), (6, 3)] {
        let at = NOON.plus(Duration::from_millis(millis));
        expected.push((at, log_in(mysql, user, byte, at).await));
    }
    log_in(mysql, other, 10, NOON).await;
    expected.sort_by(|(at, id), (before, other)| (at, &id.0).cmp(&(before, &other.0)));
    let expected: Vec<_> = expected.into_iter().rev().map(|(_, id)| id).collect();

    for page in [1, 2, 4, 9, 100] {
        assert_eq!(listed(mysql, user, NOON.plus(HOUR), page).await, expected, "pages of {page}");
    }
}

#[tokio::test]
async fn session_is_listed_with_device_and_times() {
    let (database, user, _) = stage().await;
    let id = log_in(&database.mysql, user, 1, NOON).await;
    database.mysql.sessions().rotate(&id, 2, None, NOON.plus(HOUR)).await.unwrap();

    let page = database.mysql.sessions().list(user, None, size(1), NOON.plus(HOUR)).await.unwrap();

    let session = &page.items[0];
    assert_eq!((session.user_agent.as_deref(), session.created_at), (Some("device 1"), NOON));
    assert_eq!(session.last_used_at, NOON.plus(HOUR));
}

#[tokio::test]
async fn session_is_listed_for_90_days_and_30_unused() {
    let (database, user, _) = stage().await;
    let mysql = &database.mysql;
    let (busy, idle) = (log_in(mysql, user, 1, NOON).await, log_in(mysql, user, 2, NOON).await);
    mysql.sessions().rotate(&busy, 2, None, NOON.plus(Family::LIFE).minus(HOUR)).await.unwrap();
    let before = |moment: Timestamp| moment.minus(MILLISECOND);

    for (now, expected) in [
        (before(NOON.plus(Family::IDLE)), vec![idle, busy.clone()]),
        (NOON.plus(Family::IDLE), vec![busy.clone()]),
        (before(NOON.plus(Family::LIFE)), vec![busy]),
        (NOON.plus(Family::LIFE), vec![]),
    ] {
        assert_eq!(listed(mysql, user, now, 10).await, expected, "at {now}");
    }
}

#[tokio::test]
async fn ended_session_is_not_listed() {
    let (database, user, _) = stage().await;
    let (kept, ended) = (log_in(&database.mysql, user, 1, NOON).await, log_in(&database.mysql, user, 2, NOON).await);

    database.mysql.sessions().revoke(&ended, user, NOON).await.unwrap();

    assert_eq!(listed(&database.mysql, user, NOON, 10).await, [kept]);
}

#[tokio::test]
async fn recently_ended_sessions_are_listed() {
    let (database, user, other) = stage().await;
    let mysql = &database.mysql;
    let (recent, older) = (log_in(mysql, user, 1, NOON).await, log_in(mysql, user, 2, NOON).await);
    log_in(mysql, user, 3, NOON).await;
    let theirs = log_in(mysql, other, 4, NOON).await;
    for (id, of, at) in
        [(&recent, user, NOON.plus(HOUR)), (&older, user, NOON.plus(MILLISECOND)), (&theirs, other, NOON.plus(HOUR))]
    {
        mysql.sessions().revoke(id, of, at).await.unwrap();
    }

    assert_eq!(mysql.sessions().list_ended(user, NOON.plus(MILLISECOND)).await.unwrap().sessions, [recent]);
}

#[tokio::test]
async fn every_live_login_of_an_inactive_account_can_be_ended() {
    let (database, user, other) = stage().await;
    let mysql = &database.mysql;
    let ids = [log_in(mysql, user, 1, NOON).await, log_in(mysql, user, 2, NOON).await];
    let theirs = log_in(mysql, other, 3, NOON).await;
    mysql.sessions().revoke_of_inactive(user, NOON.plus(HOUR)).await.unwrap();
    assert!(is_live(mysql, &ids[0]).await, "the account is active");

    deactivate(&database, user).await;
    mysql.sessions().revoke_of_inactive(user, NOON.plus(HOUR)).await.unwrap();

    assert_eq!(mysql.sessions().list_ended(user, NOON).await.unwrap().sessions, ids);
    assert!(is_live(mysql, &theirs).await);
}

#[tokio::test]
async fn rotation_keeps_its_attempt() {
    let (database, user, _) = stage().await;
    let id = log_in(&database.mysql, user, 1, NOON).await;
    let attempt = async || database.mysql.transact(id.clone(), family).await.unwrap().unwrap().attempt_hash;

    database.mysql.sessions().rotate(&id, 2, Some("hash"), NOON).await.unwrap();
    assert_eq!(attempt().await.as_deref(), Some("hash"));

    database.mysql.sessions().rotate(&id, 3, None, NOON).await.unwrap();
    assert_eq!(attempt().await, None);
}

#[tokio::test]
async fn oldest_excess_sessions_end_and_never_the_new_one() {
    let (database, user, other) = stage().await;
    let mysql = &database.mysql;
    let mut ids = Vec::new();
    for byte in 1..=5 {
        ids.push(log_in(mysql, user, byte, NOON.plus(MILLISECOND * u32::from(byte))).await);
    }
    mysql.sessions().revoke(&ids[3], user, NOON).await.unwrap();
    let theirs = log_in(mysql, other, 9, NOON).await;
    // Another clock was behind.
    let newest = log_in(mysql, user, 6, NOON).await;
    let now = NOON.plus(HOUR);
    assert_eq!(mysql.sessions().find_excess(user, &newest, 5, now).await.unwrap(), None);

    let from = mysql.sessions().find_excess(user, &newest, 3, now).await.unwrap().unwrap();
    mysql.sessions().revoke_oldest(user, &from, &newest, now).await.unwrap();

    let mut live = mysql.sessions().list_live(user, now).await.unwrap();
    live.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(live, [ids[2].clone(), ids[4].clone(), newest]);
    assert!(is_live(mysql, &theirs).await);
}

#[tokio::test]
async fn session_is_deleted_only_after_its_end() {
    let (database, user, _) = stage().await;
    let mysql = &database.mysql;
    let [ended, idle, old] =
        [log_in(mysql, user, 1, NOON).await, log_in(mysql, user, 2, NOON).await, log_in(mysql, user, 3, NOON).await];
    mysql.sessions().revoke(&ended, user, NOON.plus(HOUR)).await.unwrap();
    mysql.sessions().rotate(&old, 2, None, NOON.plus(Family::LIFE).minus(HOUR)).await.unwrap();
    let left = async || testkit::mysql::session_ids(&database.url, user).await;

    for (over, expected) in [
        (NOON.plus(HOUR), vec![idle.clone(), old.clone()]),
        (NOON.plus(Family::IDLE), vec![old]),
        (NOON.plus(Family::LIFE), vec![]),
    ] {
        let after = over.plus(MILLISECOND);
        assert_eq!(mysql.sessions().list_over(over, 10).await.unwrap(), [], "at {over}");
        let found = mysql.sessions().list_over(after, 10).await.unwrap();
        assert_eq!(mysql.sessions().remove_over(&found, over).await.unwrap(), 0, "at {over}");
        assert_eq!(mysql.sessions().remove_over(&found, after).await.unwrap(), 1, "after {over}");
        assert_eq!(left().await, expected);
    }
}

#[tokio::test]
async fn ended_sessions_come_with_their_outbox_rows() {
    let (database, user, other) = stage().await;
    let mysql = &database.mysql;
    let changed = [Aggregate::Sessions(user), Aggregate::Person(user), Aggregate::Sessions(other)];
    mysql.transact(changed.to_vec(), note).await.unwrap();

    let ended = mysql.sessions().list_ended(user, NOON).await.unwrap();
    mysql.outbox().remove(&ended.outbox).await.unwrap();

    assert_eq!((ended.sessions, ended.outbox.len()), (vec![], 1));
    assert_eq!(mysql.outbox().list(10, NOON).await.unwrap(), changed[1..]);
}

#[tokio::test]
async fn ended_session_keeps_its_owner() {
    let (database, user, other) = stage().await;
    let mysql = &database.mysql;
    let id = log_in(mysql, user, 1, NOON).await;

    for _ in 0..2 {
        assert!(mysql.sessions().revoke(&id, user, NOON).await.unwrap());
    }
    assert!(!mysql.sessions().revoke(&id, other, NOON).await.unwrap());
    assert!(!mysql.sessions().revoke(&SessionId::from_bytes([9; 16]), user, NOON).await.unwrap());
}

#[tokio::test]
async fn login_needs_the_current_password_and_an_active_account() {
    let database = Database::new().await;
    let mysql = &database.mysql;
    let [user, gone] = join_all(mysql, ["tom", "gone"]).await;
    deactivate(&database, gone).await;
    let login = |user| NewSession {
        id: SessionId::from_bytes([7; 16]),
        user,
        user_agent: None,
        at: NOON,
        expires_at: NOON.plus(HOUR),
    };

    assert!(!mysql.sessions().insert(login(user), "$the hash before$").await.unwrap());
    assert!(!mysql.sessions().insert(login(gone), PASSWORD_HASH).await.unwrap());
    assert!(mysql.sessions().insert(login(user), PASSWORD_HASH).await.unwrap());
}

/// Another password, and the end of every login.
async fn change_password(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    tx.users().update_password_hash(user, PASSWORD_HASH, "another").await?;
    tx.sessions().revoke_others(&SessionId::from_bytes([99; 16]), user, NOON).await
}

#[tokio::test]
async fn login_during_password_change_does_not_outlive_it() {
    let (database, user, _) = stage().await;
    let mut work = JoinSet::new();
    for byte in 0..30 {
        let (mysql, id) = (database.mysql.clone(), SessionId::from_bytes([byte; 16]));
        let session = NewSession { id, user, user_agent: None, at: NOON, expires_at: NOON.plus(Family::LIFE) };
        work.spawn(async move {
            if byte == 15 {
                mysql.transact(user, change_password).await
            } else {
                mysql.sessions().insert(session, PASSWORD_HASH).await.map(drop)
            }
        });
    }

    work.join_all().await.into_iter().for_each(Result::unwrap);

    assert_eq!(listed(&database.mysql, user, NOON, 100).await, []);
}
