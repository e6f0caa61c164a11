use crate::{ClientFrame, FramePayload, client_frame::LONGEST_ID, schemas::named};
use domain::{Rev, RoomKey};
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

/// The frames of `chat.v1` as `AsyncAPI` 3.0 describes them: requests, their answers, and what is pushed.
pub fn asyncapi() -> Value {
    let mut schemas = vec![named::<RoomKey>(), named::<Rev>()];
    ClientFrame::schemas(&mut schemas);
    FramePayload::schemas(&mut schemas);

    let requests = messages::<ClientFrame>("action", &json!({ "id": { "type": "string", "maxLength": LONGEST_ID } }));
    let answers = messages::<FramePayload>("t", &json!({ "re": { "type": "string" } }));
    let pushes = messages::<FramePayload>("t", &json!({ "room": reference::<RoomKey>(), "rev": reference::<Rev>() }));
    let is_answer = |(name, _): &(String, Value)| FramePayload::ANSWERS.contains(&name.as_str());
    let groups = [
        ("request", "receive", "Frames from the client.", requests),
        ("answer", "send", "Frames that answer one.", answers.into_iter().filter(is_answer).collect()),
        ("push", "send", "Frames that are pushed.", pushes.into_iter().filter(|frame| !is_answer(frame)).collect()),
    ];
    let (mut operations, mut all) = (Map::new(), Map::new());
    for (group, action, summary, frames) in groups {
        let frames = frames.into_iter().map(|(name, message)| (format!("{group}.{name}"), message));
        let frames: Vec<_> = frames.collect();
        let names = frames.iter().map(|(name, _)| json!({ "$ref": format!("#/channels/chat/messages/{name}") }));
        let operation = json!({
            "action": action, "channel": { "$ref": "#/channels/chat" }, "summary": summary, "messages": names.collect::<Vec<_>>(),
        });
        operations.insert(group.to_owned(), operation);
        all.extend(frames);
    }
    let schemas: Map<String, Value> = schemas.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "BigTech Chat, frames of chat.v1",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Connect to the `url` of `POST /auth/ticket` with `?ticket=` and the ticket, then send `hello`. \
                            Frames are JSON texts. `re` is the `id` of the frame that is answered. Frames of one connection \
                            are handled concurrently: a client that needs order waits for the answer.",
            "license": { "name": "MIT" },
        },
        "defaultContentType": "application/json",
        "channels": { "chat": { "address": "/", "messages": all } },
        "operations": operations,
        "components": { "schemas": schemas },
    })
}

/// The variants of an enum of frames by the value of `tag`, each as a message with `others` beside the variant's own fields.
fn messages<T: PartialSchema>(tag: &str, others: &Value) -> Vec<(String, Value)> {
    let schema = json!(T::schema());
    let variants = schema["oneOf"].as_array().into_iter().flatten();
    let message = |variant: &Value| {
        let mut payload = variant.clone();
        let summary = payload.as_object_mut()?.remove("description");
        let name = payload["properties"][tag]["enum"][0].as_str()?.to_owned();
        payload["properties"].as_object_mut()?.extend(others.as_object()?.clone());
        Some((name, json!({ "summary": summary, "payload": payload })))
    };
    variants.filter_map(message).collect()
}

fn reference<T: ToSchema>() -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_frame::Action;
    use std::collections::BTreeSet;
    use strum::VariantNames as _;

    #[test]
    fn every_action_and_answer_is_described() {
        let document = asyncapi();
        let messages = document["channels"]["chat"]["messages"].as_object().unwrap();
        let names =
            |prefix: &str| messages.keys().filter_map(|name| name.strip_prefix(prefix)).collect::<BTreeSet<_>>();

        assert_eq!(names("request."), Action::VARIANTS.iter().copied().collect());
        assert_eq!(names("answer."), FramePayload::ANSWERS.into_iter().collect());
        assert!(messages.values().all(|message| message["summary"].is_string()));
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
