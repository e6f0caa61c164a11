use axum::http::Method;
use domain::{MessageDraft, MessageId, RoomId, RoomKey, UserId};
use serde_json::{Value, json};
use std::{
    ops::Deref,
    sync::atomic::{AtomicUsize, Ordering},
};
use testkit::{Door, NOON, draft};

/// The function's routes, and rooms with messages.
pub(crate) struct Rooms {
    door: Door,
    said: AtomicUsize,
}

impl Deref for Rooms {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

impl Rooms {
    pub(crate) async fn new() -> Self {
        Self { door: Door::new(chat_rooms::routes).await, said: AtomicUsize::new(0) }
    }

    pub(crate) async fn open(&self, caller: UserId, participant: UserId) -> (u16, Value) {
        let request = json!({ "participant_id": participant });
        self.call(caller, Method::POST, "/chat-rooms", &request).await.parts()
    }

    /// Opens rooms at once.
    pub(crate) async fn open_at_once(&self, pairs: Vec<(UserId, UserId)>) -> Vec<(u16, Value)> {
        let number = pairs.len();
        let open = move |door: Door, n: usize| {
            let (caller, participant) = pairs[n];
            async move {
                let request = json!({ "participant_id": participant });
                door.call(caller, Method::POST, "/chat-rooms", &request).await
            }
        };
        self.at_once(number, open).await.into_iter().map(|(_, answer)| answer.parts()).collect()
    }

    pub(crate) async fn list(&self, caller: UserId, query: &str) -> (u16, Value) {
        self.door.get(caller, format!("/chat-rooms{query}")).await.parts()
    }

    pub(crate) async fn get(&self, caller: UserId, room: impl std::fmt::Display) -> (u16, Value) {
        self.door.get(caller, format!("/chat-rooms/{room}")).await.parts()
    }

    /// The number of the room of two people.
    pub(crate) async fn room_of(&self, one: UserId, other: UserId) -> RoomKey {
        let (status, room) = self.open(one, other).await;
        assert!(status < 300, "{room}");
        RoomKey::private(RoomId(room["id"].as_i64().unwrap().try_into().unwrap()))
    }

    /// Puts a message into a room.
    pub(crate) async fn say(&self, room: RoomKey, user: UserId, text: &str, reply_to: Option<MessageId>) -> MessageId {
        let number = self.said.fetch_add(1, Ordering::Relaxed);
        let draft = MessageDraft { reply_to, ..draft(room, user, &number.to_string(), text) };
        self.leave_message(&draft, NOON).await.0
    }
}
