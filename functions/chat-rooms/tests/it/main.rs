//! The routes, on real databases.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage does not stand")]

mod create_chat_room;
mod get_chat_room;
mod house;
mod list_chat_rooms;

#[test]
fn the_document_has_every_route() {
    let document = serde_json::to_value(chat_rooms::openapi()).unwrap();

    let (rooms, room) = (&document["paths"]["/chat-rooms"], &document["paths"]["/chat-rooms/{id}"]);
    let operations = [&rooms["post"], &rooms["get"], &room["get"]].map(|operation| &operation["operationId"]);

    assert_eq!(operations, ["create_chat_room", "list_chat_rooms", "get_chat_room"]);
}
