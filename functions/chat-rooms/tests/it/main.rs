//! The routes, on real databases.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage does not stand")]

mod create_chat_room;
mod get_chat_room;
mod house;

#[test]
fn the_document_has_both_routes() {
    let document = serde_json::to_value(chat_rooms::openapi()).unwrap();

    let operations = [&document["paths"]["/chat-rooms"]["post"], &document["paths"]["/chat-rooms/{id}"]["get"]];

    assert_eq!(operations.map(|operation| &operation["operationId"]), ["create_chat_room", "get_chat_room"]);
}
