use axum::http::Method;
use domain::{Aggregate, Code, Email, Fault, Locale, MailKind, RoomKey, SessionId, UserId, Username};
use mysql::{NewMail, NewSession, NewUser, Tx};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use testkit::{Answer, Door, NOON, PASSWORD, PASSWORD_HASH};
use tokio::task::JoinSet;

async fn delete(door: &Door, caller: UserId, password: &str) -> Answer {
    door.call(caller, Method::DELETE, "/users/me", &json!({"password": password})).await
}

/// Someone with the password and the session of the door's tokens.
async fn logged_in(door: &Door, name: &str) -> UserId {
    let user = door.join(name).await;
    door.log_in(user).await;
    user
}

fn session() -> SessionId {
    SessionId::from_bytes([1; 16])
}

async fn live_sessions(door: &Door, user: UserId) -> Vec<SessionId> {
    door.mysql().sessions().list_live(user, NOON).await.unwrap()
}

/// Somebody signs up, as a registration does.
fn newcomer(name: &str) -> NewUser {
    NewUser {
        email: Email::parse(&format!("{name}@example.com")).unwrap(),
        username: Username::parse(name).unwrap(),
        display_name: None,
        password_hash: PASSWORD_HASH.to_owned(),
        locale: Locale::En,
        at: NOON,
    }
}

async fn register(tx: &mut Tx, new: NewUser) -> Result<UserId, Fault> {
    let user = tx.users().insert(new).await?.profile.id;
    tx.outbox().insert(&[Aggregate::Person(user)], NOON).await?;
    Ok(user)
}

#[tokio::test]
async fn deletion_ends_sessions_and_connections_before_the_answer() {
    let door = Door::new(users::routes).await;
    let minji = logged_in(&door, "minji").await;
    door.connect(minji, session(), "phone").await;

    let answer = delete(&door, minji, PASSWORD).await;

    assert_eq!((answer.status, answer.text.as_str()), (202, ""));
    assert_eq!(door.connections(minji).await, Vec::<String>::new());
    assert_eq!(live_sessions(&door, minji).await, []);
    assert!(door.mongo().gates().is_ended(minji, &session()).await.unwrap());
    assert_eq!(door.get(minji, "/users/me").await.refusal(), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn deleted_account_can_not_be_logged_in_to() {
    let door = Door::new(users::routes).await;
    let minji = logged_in(&door, "minji").await;

    delete(&door, minji, PASSWORD).await;

    assert!(door.mysql().users().find_credentials("minji@example.com", NOON).await.unwrap().is_none());
    assert_eq!(door.mysql().users().find_password_hash(minji).await.unwrap(), None);
    let login = NewSession {
        id: SessionId::from_bytes([2; 16]),
        user: minji,
        user_agent: None,
        at: NOON,
        expires_at: NOON.plus(Duration::from_hours(1)),
    };
    assert!(!door.mysql().sessions().insert(login, PASSWORD_HASH).await.unwrap(), "whose password was just compared");
}

#[tokio::test]
async fn wrong_password_deletes_nothing() {
    let door = Door::new(users::routes).await;
    let minji = logged_in(&door, "minji").await;

    let answer = delete(&door, minji, "another password").await;

    assert_eq!(answer.refusal(), (403, "wrong_password".to_owned()));
    assert_eq!(door.get(minji, "/users/me").await.status, 200);
    assert_eq!(live_sessions(&door, minji).await, [session()]);
}

#[tokio::test]
async fn guesses_of_the_password_are_throttled() {
    let door = Door::new(users::routes).await;
    let minji = logged_in(&door, "minji").await;

    let mut compared = 0;
    let refused = loop {
        let answer = delete(&door, minji, "another password").await;
        if answer.status != 403 {
            break answer;
        }
        compared += 1;
    };

    assert_eq!(refused.refusal(), (429, "rate_limited".to_owned()));
    assert!(compared >= 5, "{compared} were compared");
}

#[tokio::test]
async fn bad_bodies_are_named() {
    let door = Door::new(users::routes).await;
    let minji = logged_in(&door, "minji").await;

    for (body, field, reason) in [
        (json!({}), "password", "required"),
        (json!({"password": 1}), "password", "wrong_type"),
        (json!({"password": "a".repeat(129)}), "password", "too_long"),
        (json!({"password": PASSWORD, "sure": true}), "$", "unknown_field"),
    ] {
        let answer = door.call(minji, Method::DELETE, "/users/me", &body).await;
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["field"], &error["code"]), (422, &json!(field), &json!(reason)), "{body}");
    }
}

#[tokio::test]
async fn address_and_username_are_free_after_deletion() {
    let door = Door::new(users::routes).await;
    let minji = logged_in(&door, "minji").await;

    delete(&door, minji, PASSWORD).await;

    let again = door.mysql().transact(newcomer("minji"), register).await.unwrap();
    let other = door.join("junho").await;
    let found = door.get(other, format!("/users/{again}")).await;
    assert_eq!((found.status, &found.json()["username"]), (200, &json!("minji")));
    assert_ne!(again, minji);
}

#[tokio::test]
async fn deleted_account_answers_like_an_unknown_one() {
    let door = Door::new(users::routes).await;
    let (minji, junho) = (logged_in(&door, "minji").await, door.join("junho").await);
    let unknown = door.get(junho, "/users/999999").await;

    delete(&door, minji, PASSWORD).await;

    let gone = door.get(junho, format!("/users/{minji}")).await;
    assert_eq!((gone.status, gone.text), (404, unknown.text));
    for name in ["minji", "MINJI", "deleted"] {
        let found = door.get(junho, format!("/users/search?q={name}")).await;
        assert_eq!(found.json()["items"], json!([]), "{name}");
    }
}

#[tokio::test]
async fn nothing_of_the_profile_stays() {
    let door = Door::new(users::routes).await;
    let (minji, junho) = (logged_in(&door, "minji").await, door.join("junho").await);
    door.call(
        minji,
        Method::PUT,
        "/users/me",
        &json!({"status_message": "secret", "locale": "ko", "read_receipts": false}),
    )
    .await;
    let room = door.open_room([minji, junho]).await;

    delete(&door, minji, PASSWORD).await;

    let known = door.known(minji).await;
    assert_eq!((known.username, known.is_active, known.locale), (format!("deleted:{minji}"), false, Locale::En));
    assert!(known.privacy.read_receipts, "what was set is forgotten");
    let seen = door.mysql().private_rooms().find(room.id, junho).await.unwrap().unwrap();
    let shown = seen.participants.iter().find(|person| person.profile.id == minji).unwrap();
    assert_eq!((shown.is_available, &shown.profile.display_name, &shown.profile.status_message), (false, &None, &None));
}

#[tokio::test]
async fn nobody_writes_in_a_room_with_a_deleted_account() {
    let door = Door::new(users::routes).await;
    let (minji, junho) = (logged_in(&door, "minji").await, door.join("junho").await);
    let room = door.open_room([minji, junho]).await;
    delete(&door, minji, PASSWORD).await;

    door.projector().relay(NOON.plus(Duration::from_secs(9))).await.unwrap();

    assert!(door.rights(room, junho).await.unwrap().blocked);
}

#[tokio::test]
async fn no_mail_to_the_freed_address_is_left() {
    let door = Door::new(users::routes).await;
    let minji = logged_in(&door, "minji").await;
    for (kind, digit) in [(MailKind::VerifyEmail, "1"), (MailKind::ResetPassword, "2")] {
        let mail = NewMail { kind, seed: digit.repeat(64), token_hash: digit.repeat(64), at: NOON };
        door.mysql().mails().insert("minji@example.com", &mail).await.unwrap();
    }

    delete(&door, minji, PASSWORD).await;

    assert_eq!(door.mysql().mails().count_waiting().await.unwrap(), 0);
}

#[tokio::test]
async fn migration_leaves_deleted_accounts_without_names() {
    let door = Door::new(users::routes).await;
    let minji = logged_in(&door, "minji").await;
    delete(&door, minji, PASSWORD).await;

    let users = || door.mysql().users();
    assert_eq!(users().list_without_skeleton(UserId(0), 9).await.unwrap(), []);
    assert!(users().list_unnamed(UserId(0), 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn deletion_that_did_not_take_effect_is_finished_by_a_repetition() {
    let door = Door::new(users::routes).await;
    let minji = logged_in(&door, "minji").await;
    door.projector().project(Aggregate::Person(minji)).await.unwrap();
    testkit::mongo::refuse(door.mongo_url(), "people", minji.0).await;
    assert_eq!(delete(&door, minji, PASSWORD).await.status, 500);
    assert!(!door.mongo().gates().is_ended(minji, &session()).await.unwrap());
    testkit::mongo::refuse(door.mongo_url(), "people", 0).await;

    let again = delete(&door, minji, PASSWORD).await;

    assert_eq!(again.status, 202);
    assert!(door.mongo().gates().is_ended(minji, &session()).await.unwrap());
}

#[tokio::test]
async fn account_that_an_operator_closed_is_not_deleted() {
    let door = Door::new(users::routes).await;
    let minji = logged_in(&door, "minji").await;
    door.deactivate(minji).await;

    assert_eq!(delete(&door, minji, PASSWORD).await.refusal(), (401, "unauthenticated".to_owned()));

    assert_eq!(door.mysql().deletions().find(minji).await.unwrap(), None);
}

/// How many statements and commands a deletion takes of someone with so many friends, rooms and sessions.
async fn operations(others: i32) -> (usize, usize) {
    let door = Door::new(users::routes).await;
    let minji = logged_in(&door, "minji").await;
    door.projector().project(Aggregate::Person(minji)).await.unwrap();
    for (n, other) in door.join_crowd(others).await.into_iter().enumerate() {
        let asked = door.mysql().friendships().insert(minji, other, NOON).await.unwrap();
        let accepted = asked.changed_to(domain::FriendshipStatus::Accepted, other, NOON);
        door.mysql().friendships().update(&accepted).await.unwrap();
        door.open_room([minji, other]).await;
        let id = SessionId::from_bytes([u8::try_from(n + 2).unwrap(); 16]);
        let login =
            NewSession { id, user: minji, user_agent: None, at: NOON, expires_at: NOON.plus(Duration::from_hours(1)) };
        door.mysql().sessions().insert(login, PASSWORD_HASH).await.unwrap();
    }
    let mut profile = door.profile().await;
    let statements = testkit::statements(async || {
        assert_eq!(delete(&door, minji, PASSWORD).await.status, 202);
    })
    .await;
    (statements.len(), profile.count().await)
}

#[tokio::test]
async fn deletion_costs_the_same_whatever_the_account_has() {
    let (few, many) = (operations(1).await, operations(30).await);

    assert_eq!(few, many);
    assert!(few.0 <= 23 && few.1 <= 8, "{few:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_concurrent_deletions_are_one() {
    let door = Door::new(users::routes).await;
    let minji = logged_in(&door, "minji").await;

    let answers = door.at_once(20, move |door, _| async move { delete(&door, minji, PASSWORD).await }).await;

    // Some come too late, or are one of too many who show the password at once.
    assert!(answers.iter().all(|(_, answer)| [202, 401, 429].contains(&answer.status)), "{answers:?}");
    assert!(door.mysql().users().is_deleted(minji).await.unwrap());
    assert!(door.mongo().gates().is_ended(minji, &session()).await.unwrap());
    assert_eq!(door.mysql().deletions().list(9, NOON).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_sent_after_the_deletion_was_answered_is_accepted() {
    let door = Door::new(users::routes).await;
    let (minji, junho) = (logged_in(&door, "minji").await, door.join("junho").await);
    let room: RoomKey = door.open_room([minji, junho]).await;
    let answered = Arc::new(AtomicBool::new(false));
    let mut senders = JoinSet::new();
    for n in 0..20 {
        let (door, answered) = (door.clone(), Arc::clone(&answered));
        senders.spawn(async move {
            let (mut accepted, mut number) = (0, 0);
            loop {
                let is_late = answered.load(Ordering::SeqCst);
                let sent = door.say(room, minji, &format!("{n}-{number}")).await;
                number += 1;
                match sent {
                    Ok(_) => {
                        assert!(!is_late, "sent after the answer");
                        accepted += 1;
                    }
                    Err(fault) if fault.code == Code::Unavailable => {}
                    Err(fault) => {
                        let refusals = [Code::Unauthenticated, Code::RecipientUnavailable];
                        assert!(refusals.contains(&fault.code), "{fault:?}");
                        return accepted;
                    }
                }
            }
        });
    }
    while door.say(room, minji, "first").await.is_err() {}

    let answer = delete(&door, minji, PASSWORD).await;
    answered.store(true, Ordering::SeqCst);

    assert_eq!(answer.status, 202);
    assert!(senders.join_all().await.into_iter().sum::<i32>() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_twenty_concurrent_users_gets_the_freed_names() {
    let door = Door::new(users::routes).await;
    let minji = logged_in(&door, "minji").await;
    let mut asking = JoinSet::new();
    for n in 0..20 {
        let door = door.clone();
        asking.spawn(async move {
            let register = async || door.mysql().transact(newcomer("minji"), register).await;
            if n == 10 {
                return usize::from(delete(&door, minji, PASSWORD).await.status == 202);
            }
            // A deadlock is tried again, as clients do.
            let outcome = loop {
                match register().await {
                    Err(fault) if fault.code == Code::Unavailable => {}
                    outcome => break outcome,
                }
            };
            match outcome {
                Ok(_) => 100,
                Err(fault) => {
                    assert!([Code::EmailTaken, Code::UsernameTaken].contains(&fault.code), "{fault:?}");
                    0
                }
            }
        });
    }

    let outcomes = asking.join_all().await.into_iter().sum::<usize>();

    assert!([1, 101].contains(&outcomes), "{outcomes}: one deletion, and one newcomer at the most");
    let again = door.mysql().transact(newcomer("minji"), register).await;
    assert_eq!(again.is_ok(), outcomes == 1, "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_login_outlives_a_concurrent_deletion() {
    let door = Door::new(users::routes).await;
    let minji = logged_in(&door, "minji").await;
    let mut asking = JoinSet::new();
    for n in 0..20_u8 {
        let door = door.clone();
        asking.spawn(async move {
            if n == 10 {
                assert_eq!(delete(&door, minji, PASSWORD).await.status, 202);
                return None;
            }
            let id = SessionId::from_bytes([n + 2; 16]);
            let expires_at = NOON.plus(Duration::from_hours(1));
            let login = NewSession { id: id.clone(), user: minji, user_agent: None, at: NOON, expires_at };
            door.mysql().sessions().insert(login, PASSWORD_HASH).await.unwrap().then_some(id)
        });
    }

    let begun: Vec<_> = asking.join_all().await.into_iter().flatten().collect();

    assert_eq!(live_sessions(&door, minji).await, []);
    for session in begun {
        assert!(door.mongo().gates().is_ended(minji, &session).await.unwrap());
    }
}

#[tokio::test]
async fn deletion_needs_a_token() {
    let door = Door::new(users::routes).await;

    let answer = door.ask(Method::DELETE, "/users/me", None, &json!({"password": PASSWORD})).await;

    assert_eq!(answer.refusal(), (401, "unauthenticated".to_owned()));
    assert_eq!(answer.json()["errors"], Value::Null);
}
