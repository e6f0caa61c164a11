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
    use crate::{Ack, Acknowledged, Frame, MessageView, Pong, client_frame::Action};
    use domain::{
        ClientId, LatestChange, Mentions, Message, MessageId, MessageType, Pin, Reaction, Removal, Role, RoomId,
        RoomNews, RoomNotice, Seq, System, SystemKind, Timestamp, UserId,
    };
    use std::collections::{BTreeSet, HashMap};
    use strum::{IntoEnumIterator as _, VariantNames as _};

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

    /// Why a value does not fit a schema of the document, by the keywords that its schemas use.
    fn misfit(document: &Value, schema: &Value, value: &Value) -> Option<String> {
        if let Some(reference) = schema["$ref"].as_str() {
            return misfit(document, document.pointer(reference.trim_start_matches('#')).unwrap(), value);
        }
        let fits = |schema: &Value| misfit(document, schema, value).is_none();
        if let Some(all) = schema["allOf"].as_array() {
            return all.iter().find_map(|schema| misfit(document, schema, value));
        }
        if let Some(any) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            return (!any.iter().any(fits)).then(|| format!("{value} is none of {any:?}"));
        }
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let kinds = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
        if !kinds.iter().any(|allowed| allowed.is_null() || allowed == kind) {
            return Some(format!("{value} is no {kinds:?}"));
        }
        if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
            return Some(format!("{value} is none of {}", schema["enum"]));
        }
        let fields = value.as_object().into_iter().flatten();
        let required = schema["required"].as_array().into_iter().flatten();
        let missing = required.filter(|name| value.get(name.as_str().unwrap()).is_none());
        let unknown = |(name, value): (&String, &Value)| match schema["properties"].get(name) {
            Some(schema) => misfit(document, schema, value),
            None => Some(format!("{name} is not described")),
        };
        let misfits = fields.filter(|_| schema["properties"].is_object()).find_map(unknown);
        let items = value.as_array().into_iter().flatten();
        misfits.or_else(|| missing.map(|name| format!("{name} is missing")).next()).or_else(|| {
            items.filter(|_| schema["items"].is_object()).find_map(|item| misfit(document, &schema["items"], item))
        })
    }

    /// Why a frame is not as the document has it.
    fn misfit_of(frame: &Frame<'_>, group: &str) -> Option<String> {
        let (document, frame) = (asyncapi(), serde_json::to_value(frame).unwrap());
        let name = format!("{group}.{}", frame["t"].as_str().unwrap());
        misfit(&document, &document["channels"]["chat"]["messages"][name]["payload"], &frame)
    }

    fn event(kind: SystemKind) -> Message {
        let system = System {
            kind,
            user: Some(UserId(4)),
            by: UserId(3),
            role: Some(Role::Admin),
            name: Some("등산 모임".to_owned()),
        };
        let at = Timestamp::from_millis(1_790_000_000_000);
        Message {
            id: MessageId([7; 12]),
            room: RoomKey::group(RoomId(7)),
            user: UserId(3),
            content: String::new(),
            message_type: MessageType::System,
            system: Some(system),
            reply_to: None,
            mentions: Mentions::default(),
            forwarded_from: None,
            hidden_for: Vec::new(),
            seq: Seq(1),
            rev: Rev(2),
            client_id: ClientId::of_event(5).as_str().to_owned(),
            edited_at: None,
            deleted_at: None,
            reactions: Vec::new(),
            pin: None,
            latest_change: None,
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn every_frame_of_a_group_is_as_described() {
        for kind in SystemKind::iter() {
            let message = event(kind);
            for (_, frame) in Frame::beside(&message) {
                assert_eq!(misfit_of(&frame, "push"), None, "{kind:?}");
            }
            let view = MessageView::of(message, &HashMap::new());
            assert_eq!(misfit_of(&Frame::of_message(view), "push"), None, "{kind:?}");
        }
        let news = [
            RoomNews::Added { name: "등산 모임".to_owned(), role: Role::Owner },
            RoomNews::Removed(Removal::Left),
            RoomNews::Removed(Removal::Kicked),
            RoomNews::Removed(Removal::Banned),
            RoomNews::Removed(Removal::Closed),
            RoomNews::RoleChanged(Role::Admin),
        ];
        for news in news {
            for user_rev in [None, Some(5)] {
                let notice = RoomNotice { to: UserId(4), room: RoomId(7), by: UserId(3), news: news.clone() };
                assert_eq!(misfit_of(&Frame::of_room_notice(notice, user_rev), "push"), None, "{news:?}");
            }
        }
    }

    #[test]
    fn frames_of_reactions_and_pins_are_as_described() {
        let at = Timestamp::from_millis(1_790_000_000_000);
        let reactions = vec![Reaction { emoji: "👍".to_owned(), count: 2, mine: Some(true) }];
        for (change, t) in [(LatestChange::Reaction, "reaction.changed"), (LatestChange::Pin, "message.updated")] {
            let message = Message {
                message_type: MessageType::Text,
                system: None,
                reactions: reactions.clone(),
                pin: Some(Pin { at, by: UserId(3) }),
                latest_change: Some(change),
                ..event(SystemKind::RoomCreated)
            };
            let view = MessageView::of(message, &HashMap::new());
            let pushed = Frame::of_message(view.clone());
            let text = pushed.to_text().unwrap();
            assert_eq!(misfit_of(&pushed, "push"), None);
            assert!(text.contains(t) && !text.contains("mine") && !text.contains("latest_change"), "{text}");
            let (id, seq, rev) = (view.id, view.seq, view.rev);
            let ack =
                FramePayload::Ack(Ack::Message(Box::new(Acknowledged { id, seq, rev, dup: false, message: view })));
            let ack = Frame { re: Some("1"), room: None, rev: None, payload: ack };
            assert_eq!(misfit_of(&ack, "answer"), None);
            assert!(ack.to_text().unwrap().contains("\"mine\":true"));
        }
        let request = json!({"action": "react", "id": "1", "d": {"id": "66f0c3d2a1b2c3d4e5f60718", "emoji": "👍"}});
        let document = asyncapi();
        let schema = &document["channels"]["chat"]["messages"]["request.react"]["payload"];
        assert_eq!(misfit(&document, schema, &request), None);
    }

    #[test]
    fn answer_that_names_rooms_that_are_gone_is_as_described() {
        let pong = Pong { gone: vec![RoomKey::group(RoomId(7))], ..Pong::default() };
        let frame = Frame { re: Some("1"), room: None, rev: None, payload: FramePayload::Pong(pong) };

        assert_eq!(misfit_of(&frame, "answer"), None);
    }

    #[test]
    fn frame_that_is_not_as_described_is_found() {
        let (document, schemas) = (asyncapi(), "/channels/chat/messages/push.room.added/payload");
        let schema = document.pointer(schemas).unwrap();
        let d = json!({"id": 7, "room_type": "group", "name": "x", "my_role": "owner", "by": 3});
        let frame = |field: &str, value: Value| {
            let mut frame = json!({"t": "room.added", "room": "group:7", "d": d});
            frame["d"][field] = value;
            misfit(&document, schema, &frame)
        };

        assert_eq!(frame("by", json!(4)), None);
        assert!(frame("by", json!("4")).is_some());
        assert!(frame("my_role", json!("king")).is_some());
        assert!(frame("x", json!(1)).is_some());
        assert!(misfit(&document, schema, &json!({"t": "room.added", "d": {}})).is_some());
    }
}
