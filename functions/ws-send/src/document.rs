use crate::{delete::Delete, edit::Edit, hello::Hello, read::Read, send::Send, sync::Sync};
use realtime::{Acknowledged, ErrorBody, FriendNews, MessageView, ReadCursor, Ready, Receipt, SessionNews, SyncPage};
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

/// The frames of `chat.v1` as `AsyncAPI` 3.0 describes them: each action with its answer, and what is pushed.
pub fn asyncapi() -> Value {
    let mut schemas = Vec::new();
    let requests = [
        request::<Hello>(&mut schemas, "hello", "First frame: who am I, and where is something to catch up on?"),
        request::<Send>(&mut schemas, "send", "Sends a message, once per `client_id`."),
        request::<Edit>(&mut schemas, "edit", "Replaces the text of one's own message."),
        request::<Delete>(&mut schemas, "delete", "Deletes one's own message; a tombstone keeps its place."),
        request::<Read>(&mut schemas, "read", "Notes how far one has read; the cursor never moves back."),
        request::<Sync>(&mut schemas, "sync", "What changed in a room since a cursor?"),
        ("ping", message("Keeps the connection's row alive.", &frame("action", "ping", &["id"], None))),
    ];
    let answers = [
        answer::<Ready>(&mut schemas, "ready", "Answers `hello`."),
        answer::<Acknowledged>(&mut schemas, "ack", "Answers `send`, `edit` and `delete`."),
        (
            "ack.read",
            message("Answers `read`.", &frame("t", "ack", &["re"], Some(&reference::<ReadCursor>(&mut schemas)))),
        ),
        answer::<SyncPage>(&mut schemas, "sync", "Answers `sync`; at most 30 KB."),
        ("pong", message("Answers `ping`.", &frame("t", "pong", &["re"], None))),
        answer::<ErrorBody>(
            &mut schemas,
            "error",
            "Answers whatever was refused or failed; the connection stays open unless `fatal`.",
        ),
    ];
    let pushes = [
        push::<MessageView>(&mut schemas, "message.created", "A message was sent to a room that one is in."),
        push::<MessageView>(&mut schemas, "message.updated", "A message of a room that one is in was changed."),
        push::<MessageView>(&mut schemas, "message.deleted", "A message of a room that one is in was deleted."),
        push::<Receipt>(&mut schemas, "receipt.read", "A member of a room that one is in has read up to a message."),
        push::<FriendNews>(&mut schemas, "friend.requested", "Somebody asks, or was asked, to be friends."),
        push::<FriendNews>(&mut schemas, "friend.accepted", "Two are friends."),
        push::<FriendNews>(&mut schemas, "friend.removed", "A request or a friendship is over."),
        push::<SessionNews>(&mut schemas, "session.revoked", "The login of this connection has ended, and so does it."),
    ];
    let operation = |action: &str, summary: &str, frames: &[(&str, Value)], prefix: &str| {
        let messages =
            frames.iter().map(|(name, _)| json!({ "$ref": format!("#/channels/chat/messages/{prefix}{name}") }));
        json!({ "action": action, "channel": { "$ref": "#/channels/chat" }, "summary": summary, "messages": messages.collect::<Vec<_>>() })
    };
    let operations = json!({
        "request": operation("receive", "Frames to the server.", &requests, "request."),
        "answer": operation("send", "Frames that answer one.", &answers, "answer."),
        "push": operation("send", "Frames that nobody asked for.", &pushes, "push."),
    });
    let mut messages = Map::new();
    for (prefix, frames) in [("request.", &requests[..]), ("answer.", &answers[..]), ("push.", &pushes[..])] {
        messages.extend(frames.iter().map(|(name, message)| (format!("{prefix}{name}"), message.clone())));
    }
    let schemas: Map<String, Value> = schemas.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "BigTech Chat, frames of chat.v1",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Connect to the `url` of `POST /auth/ticket` with `?ticket=`, then say `hello`. Frames are JSON texts.",
            "license": { "name": "MIT" },
        },
        "defaultContentType": "application/json",
        "channels": { "chat": { "address": "/", "messages": messages } },
        "operations": operations,
        "components": { "schemas": schemas },
    })
}

type Schemas = Vec<(String, RefOr<Schema>)>;

fn request<T: ToSchema>(schemas: &mut Schemas, name: &'static str, summary: &str) -> (&'static str, Value) {
    (name, message(summary, &frame("action", name, &["id"], Some(&reference::<T>(schemas)))))
}

fn answer<T: ToSchema>(schemas: &mut Schemas, name: &'static str, summary: &str) -> (&'static str, Value) {
    (name, message(summary, &frame("t", name, &["re"], Some(&reference::<T>(schemas)))))
}

fn push<T: ToSchema>(schemas: &mut Schemas, name: &'static str, summary: &str) -> (&'static str, Value) {
    (name, message(summary, &frame("t", name, &["room", "rev"], Some(&reference::<T>(schemas)))))
}

/// Adds a type and what it is made of to the document, and names it.
fn reference<T: ToSchema>(schemas: &mut Schemas) -> String {
    schemas.push((T::name().into_owned(), <T as PartialSchema>::schema()));
    T::schemas(schemas);
    format!("#/components/schemas/{}", T::name())
}

fn message(summary: &str, payload: &Value) -> Value {
    json!({ "summary": summary, "payload": payload })
}

fn frame(tag: &str, name: &str, others: &[&str], details: Option<&str>) -> Value {
    let mut properties = Map::from_iter([(tag.to_owned(), json!({ "const": name }))]);
    for other in others {
        properties.insert((*other).to_owned(), json!({ "type": if *other == "rev" { "integer" } else { "string" } }));
    }
    let mut required = vec![tag];
    if let Some(details) = details {
        properties.insert("d".to_owned(), json!({ "$ref": details }));
        required.push("d");
    }
    json!({ "type": "object", "required": required, "properties": properties })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ROUTES;
    use realtime::FramePayload;
    use std::collections::BTreeSet;

    fn names(prefix: &str) -> BTreeSet<String> {
        let document = asyncapi();
        let messages = document["channels"]["chat"]["messages"].as_object().unwrap();
        messages.keys().filter_map(|name| name.strip_prefix(prefix)).map(str::to_owned).collect()
    }

    #[test]
    fn every_route_and_every_frame_is_described() {
        let routes = ROUTES.iter().filter(|route| **route != "$default").map(|route| (*route).to_owned());
        assert_eq!(names("request."), routes.collect());
        let tags: BTreeSet<_> = FramePayload::TAGS.iter().map(|tag| (*tag).to_owned()).collect();
        assert_eq!(
            names("answer.")
                .union(&names("push."))
                .filter(|name| *name != "ack.read")
                .cloned()
                .collect::<BTreeSet<_>>(),
            tags
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = asyncapi();
        let text = document.to_string();
        for name in text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
    }
}
