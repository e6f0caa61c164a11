use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use credentials::AccessTokens;
use domain::{
    ClientId, Clock, Content, DisplayName, Email, Locale, MessageDraft, MessageId, MessageType, RoomId, RoomKey,
    SessionId, Timestamp, UserId, Username,
};
use mongo::{Inserted, Mongo, NewMessage, Numbered};
use mysql::NewUser;
use projection::Projector;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use testkit::{mongo as documents, mysql as tables};
use tokio::{task::JoinSet, time::Instant};
use tower::ServiceExt as _;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const LIFETIME: Duration = Duration::from_mins(15);
const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// The function's router, two empty stores, and people.
pub(crate) struct House {
    pub(crate) mysql: tables::Database,
    pub(crate) mongo: documents::Database,
    tokens: AccessTokens,
    router: Router,
}

impl House {
    pub(crate) async fn new() -> Self {
        let (mysql, mongo) = tokio::join!(tables::Database::new(), documents::Database::new());
        let tokens = AccessTokens::new("HS256", KEY, None, LIFETIME).unwrap();
        let clock = Clock(|| NOON);
        let app = chat_rooms::App {
            gatekeeper: web::Gatekeeper { tokens: tokens.clone(), mongo: mongo.mongo.clone(), clock },
            projector: Projector {
                mysql: mysql.mysql.clone(),
                mongo: mongo.mongo.clone(),
                pusher: testkit::pushing::into_the_void(),
                clock,
                token_lifetime: LIFETIME,
            },
            clock,
        };
        Self { mysql, mongo, tokens, router: web::layers(chat_rooms::router(app)) }
    }

    pub(crate) async fn join(&self, name: &str) -> UserId {
        let new = NewUser {
            email: Email::parse(&format!("{name}@example.com")).unwrap(),
            username: Username::parse(name).unwrap(),
            display_name: Some(DisplayName::parse(&name.to_uppercase()).unwrap()),
            password_hash: String::new(),
            locale: Locale::En,
            at: NOON,
        };
        self.mysql.mysql.users().insert(new).await.unwrap().profile.id
    }

    pub(crate) async fn create(&self, caller: UserId, body: &str) -> (StatusCode, Value) {
        self.answer(caller, Request::post("/chat-rooms").header("content-type", "application/json"), body).await
    }

    pub(crate) async fn open(&self, caller: UserId, participant: UserId) -> (StatusCode, Value) {
        self.create(caller, &format!(r#"{{"participant_id":{participant}}}"#)).await
    }

    /// Opens rooms at once. What a slow machine could not do in time is asked for again, as clients do.
    pub(crate) async fn open_at_once(self: &Arc<Self>, pairs: Vec<(UserId, UserId)>) -> Vec<(StatusCode, Value)> {
        let (begun, mut openings) = (Instant::now(), JoinSet::new());
        for (caller, participant) in pairs {
            let house = Arc::clone(self);
            openings.spawn(async move {
                loop {
                    let (status, room) = house.open(caller, participant).await;
                    if status != StatusCode::SERVICE_UNAVAILABLE {
                        return (status, room);
                    }
                    // A lock is waited for so long; whoever gives up sooner has been in a deadlock.
                    assert!(begun.elapsed() >= Duration::from_secs(2), "{room}");
                    assert!(begun.elapsed() <= Duration::from_mins(2), "{room}");
                }
            });
        }
        openings.join_all().await
    }

    pub(crate) async fn list(&self, caller: UserId, query: &str) -> (StatusCode, Value) {
        self.answer(caller, Request::get(format!("/chat-rooms{query}")), "").await
    }

    /// The number of the room of two people.
    pub(crate) async fn room_of(&self, one: UserId, other: UserId) -> RoomKey {
        let (status, room) = self.open(one, other).await;
        assert!(status.is_success(), "{room}");
        RoomKey::private(RoomId(room["id"].as_i64().unwrap().try_into().unwrap()))
    }

    /// Puts a message into a room.
    pub(crate) async fn say(&self, room: RoomKey, user: UserId, text: &str, reply_to: Option<MessageId>) -> MessageId {
        let (mongo, id) = (&self.mongo.mongo, Mongo::new_message_id());
        let draft = MessageDraft {
            room,
            user,
            content: Content::parse(text).unwrap(),
            message_type: MessageType::Text,
            reply_to,
            client_id: ClientId::parse(&id.to_string()).unwrap(),
        };
        let place = mongo.reserve(room, i64::MAX, Numbered::Message).await.unwrap().unwrap();
        let new = NewMessage { id, draft: &draft, fingerprint: b"f", at: NOON };
        assert!(matches!(mongo.insert_message(&new, place).await.unwrap(), Inserted::Done(_)));
        mongo.release(room, place).await.unwrap();
        id
    }

    /// One of two people blocks the other, as the function `blocks` has it.
    pub(crate) async fn block(&self, by: UserId, blocked: UserId) {
        self.mysql.mysql.blocks().insert(by, blocked, NOON).await.unwrap();
    }

    /// Ends an account, as no route does yet.
    pub(crate) async fn deactivate(&self, user: UserId) {
        tables::execute(&self.mysql.url, &format!("UPDATE users SET is_active = FALSE WHERE id = {user}")).await;
    }

    pub(crate) async fn get(&self, caller: UserId, room: impl std::fmt::Display) -> (StatusCode, Value) {
        self.answer(caller, Request::get(format!("/chat-rooms/{room}")), "").await
    }

    async fn answer(&self, caller: UserId, request: axum::http::request::Builder, body: &str) -> (StatusCode, Value) {
        let token = self.tokens.issue(caller, &SessionId::from_bytes([1; 16]), NOON).unwrap();
        let request = request.header("authorization", format!("Bearer {token}"));
        let (status, body) = send(self.router.clone(), request.body(Body::from(body.to_owned())).unwrap()).await;
        (status, body)
    }

    pub(crate) async fn anonymous(&self, request: Request<Body>) -> (StatusCode, Value) {
        send(self.router.clone(), request).await
    }
}

async fn send(router: Router, request: Request<Body>) -> (StatusCode, Value) {
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}
