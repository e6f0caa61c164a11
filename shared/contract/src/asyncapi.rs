use crate::{
    Acknowledged, ClientFrame, Done, FramePayload, Packed, ReadCursor, StateTaken, client_frame::Action,
    client_request::LONGEST_ID, schemas::named,
};
use domain::{Rev, RoomKey};
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

/// How a client behaves; everything that counts, suppresses or spares frames relies on it.
const CLIENT_RULES: &str = include_str!("client_rules.md");

const INTRODUCTION: &str = "Connect to the `url` of `POST /auth/ticket` with `?ticket=` and the ticket, then send `hello`. Frames \
    are JSON texts. `re` is the `id` of the frame that is answered. `read`, `delivered`, `typing`, `state` and `ping` are answered \
    only if they have an `id`; without one only an error that closes the connection is told, and what a `ping` has found, as \
    `gaps`. Frames of one connection are handled concurrently: a client that needs order waits for the answer. `hello`, `send`, \
    `edit`, `delete`, `react`, `typing` and `state` with `active: true` say that somebody is there for 150 s; `read` says so only \
    while somebody is there. Presence, typing and receipts are told only to connections where somebody is. All connections of a user share one limit of frames, of \
    which a `hello` takes 5, a `sync` and a `ping` with cursors 2, any other frame 1.";

/// The frames of `chat.v1` as `AsyncAPI` 3.0 describes them: one operation per action with its reply, and what is pushed.
pub fn asyncapi() -> Value {
    let mut schemas = vec![named::<RoomKey>(), named::<Rev>()];
    ClientFrame::schemas(&mut schemas);
    FramePayload::schemas(&mut schemas);

    let (requests, answers, pushes) = (requests(), answers(), pushes());
    let mut operations = Map::new();
    for (name, message) in &requests {
        let Ok(action) = name.parse::<Action>() else { continue };
        let replies = ["error", reply_of(action)].map(|reply| message_reference("answer", reply));
        let operation = json!({
            "action": "receive",
            "channel": channel(),
            "summary": message["summary"],
            "messages": [message_reference("request", name)],
            "reply": { "channel": channel(), "messages": replies },
        });
        operations.insert(name.clone(), operation);
    }
    let names = pushes.iter().map(|(name, _)| message_reference("push", name));
    let push = json!({
        "action": "send", "channel": channel(), "summary": "Frames that are pushed.", "messages": names.collect::<Vec<_>>(),
    });
    operations.insert("push".to_owned(), push);
    let packed = packed(&pushes);
    let groups = [("request", requests), ("answer", answers), ("push", pushes)];
    let all = groups.into_iter().flat_map(|(group, messages)| {
        messages.into_iter().map(move |(name, message)| (format!("{group}.{name}"), message))
    });
    let all: Map<_, _> = all.collect();
    let mut schemas: Map<String, Value> = schemas.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    schemas.insert(Packed::name().into_owned(), packed);
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "BigTech Chat, frames of chat.v1",
            "version": env!("CARGO_PKG_VERSION"),
            "description": format!("{INTRODUCTION}\n\n# Rules for clients\n\n{CLIENT_RULES}"),
            "license": { "name": "MIT" },
        },
        "defaultContentType": "application/json",
        "channels": { "chat": { "address": "/", "messages": all } },
        "operations": operations,
        "components": { "schemas": schemas },
    })
}

/// The message that answers an action, if nothing goes wrong.
fn reply_of(action: Action) -> &'static str {
    match action {
        Action::Hello => "ready",
        Action::Send | Action::Edit | Action::Delete | Action::React => "ack.message",
        Action::Read => "ack.read",
        Action::State => "ack.state",
        Action::Delivered | Action::Typing => "ack.done",
        Action::Sync => "sync",
        Action::Ping => "pong",
    }
}

/// What a pushed frame always has beside its details.
fn place_of(t: &str) -> &'static [&'static str] {
    match t {
        "message.created" | "message.updated" | "message.deleted" | "reaction.changed" => &["room", "rev"],
        "message.hidden" | "receipt.read" | "receipt.delivered" | "typing" | "room.added" | "room.removed"
        | "room.updated" | "member.changed" => &["room"],
        _ => &[],
    }
}

type Messages = Vec<(String, Value)>;

fn requests() -> Messages {
    let mut requests = variants::<ClientFrame>("action");
    for (_, message) in &mut requests {
        add_field(message, "id", json!({ "type": "string", "maxLength": LONGEST_ID }), false);
    }
    requests
}

fn answers() -> Messages {
    let acks = [
        ("ack.message", Acknowledged::name(), "Answers `send`, `edit`, `delete` and `react`."),
        ("ack.read", ReadCursor::name(), "Answers `read`."),
        ("ack.state", StateTaken::name(), "Answers `state`."),
        ("ack.done", Done::name(), "Answers `delivered` and `typing`."),
    ];
    let mut answers = Vec::new();
    for (t, message) in variants::<FramePayload>("t") {
        if t == "ack" {
            for (name, schema, summary) in &acks {
                let mut message = message.clone();
                message["summary"] = json!(summary);
                message["payload"]["properties"]["d"] = json!({ "$ref": format!("#/components/schemas/{schema}") });
                answers.push(((*name).to_owned(), message));
            }
        } else if FramePayload::ANSWERS.contains(&t.as_str()) {
            answers.push((t, message));
        }
    }
    for (name, message) in &mut answers {
        // These answer nothing without an `id`.
        let is_one_way = ["ack.read", "ack.state", "ack.done", "pong"].contains(&name.as_str());
        add_field(message, "re", json!({ "type": "string", "maxLength": LONGEST_ID }), is_one_way);
    }
    answers
}

fn pushes() -> Messages {
    let all = variants::<FramePayload>("t");
    // An error is pushed where it ends the connection.
    let is_pushed = |t: &str| t == "error" || !FramePayload::ANSWERS.contains(&t);
    let mut pushes: Vec<_> = all.into_iter().filter(|(t, _)| is_pushed(t)).collect();
    for (t, message) in &mut pushes {
        for field in place_of(t) {
            let schema = if *field == "room" { reference::<RoomKey>() } else { reference::<Rev>() };
            add_field(message, field, schema, true);
        }
    }
    pushes
}

/// What a `batch` holds: any pushed frames but batches.
fn packed(pushes: &Messages) -> Value {
    let others = pushes.iter().filter(|(t, _)| t != "batch");
    let others = others.map(|(t, _)| json!({ "$ref": format!("#/channels/chat/messages/push.{t}/payload") }));
    json!({ "type": "array", "minItems": 1, "items": { "oneOf": others.collect::<Vec<_>>() } })
}

/// The variants of an enum of frames by the value of `tag`, each as a message.
fn variants<T: PartialSchema>(tag: &str) -> Messages {
    let schema = json!(T::schema());
    let message = |variant: &Value| {
        let mut payload = variant.clone();
        let summary = payload.as_object_mut()?.remove("description");
        let name = payload["properties"][tag]["enum"][0].as_str()?.to_owned();
        Some((name, json!({ "summary": summary, "payload": payload })))
    };
    schema["oneOf"].as_array().into_iter().flatten().filter_map(message).collect()
}

fn add_field(message: &mut Value, name: &str, schema: Value, is_required: bool) {
    let payload = &mut message["payload"];
    payload["properties"][name] = schema;
    if let Some(required) = payload["required"].as_array_mut().filter(|_| is_required) {
        required.push(json!(name));
    }
}

fn channel() -> Value {
    json!({ "$ref": "#/channels/chat" })
}

fn message_reference(group: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/channels/chat/messages/{group}.{name}") })
}

fn reference<T: ToSchema>() -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Ack, Frame, GapsNews, MessageView, Missed, OnlineFriends, PersonPresence, Pong, UploadView, misfit,
        misfit_of_frame, misfit_of_received,
    };
    use domain::{
        ClientId, Code, LatestChange, Locale, Media, Mentions, Message, MessageId, MessageType, Pin, Purpose, Reaction,
        Rejection, Removal, Role, RoomId, RoomNews, RoomNotice, Seq, System, SystemKind, Timestamp, Upload, UploadId,
        UploadKind, UploadState, UserId,
    };
    use serde_json::value::RawValue;
    use std::collections::{BTreeSet, HashMap};
    use strum::{IntoEnumIterator as _, VariantNames as _};

    #[test]
    fn every_action_and_answer_is_described() {
        let document = asyncapi();
        let messages = document["channels"]["chat"]["messages"].as_object().unwrap();
        let names =
            |prefix: &str| messages.keys().filter_map(|name| name.strip_prefix(prefix)).collect::<BTreeSet<_>>();

        assert_eq!(names("request."), Action::VARIANTS.iter().copied().collect());
        let replies: BTreeSet<_> = Action::iter().map(reply_of).chain(["error"]).collect();
        assert_eq!(names("answer."), replies);
        assert!(messages.values().all(|message| message["summary"].is_string()));
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = asyncapi();
        let text = document.to_string();
        for pointer in text.split("\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(pointer).is_some_and(Value::is_object), "{pointer}");
        }
    }

    /// Why a frame is not as the document has it.
    fn misfit_of(frame: &Frame<'_>) -> Option<String> {
        misfit_of_frame(&serde_json::to_value(frame).unwrap())
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
            attachments: Vec::new(),
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

    fn upload(state: UploadState) -> UploadView {
        let at = Timestamp::from_millis(1_790_000_000_000);
        UploadView::of(Upload {
            id: UploadId([7; 16]),
            owner: UserId(3),
            purpose: Purpose::Message,
            kind: UploadKind::Image,
            name: "사진.jpg".to_owned(),
            size: 7,
            declared_type: "image/jpeg".to_owned(),
            sha256: None,
            multipart: None,
            state,
            reason: (state == UploadState::Rejected).then_some(Rejection::Damaged),
            etag: None,
            media: (state == UploadState::Ready).then(Media::default),
            objects: Vec::new(),
            created_at: at,
            due_at: Some(at),
        })
    }

    #[test]
    fn every_frame_of_a_group_is_as_described() {
        for kind in SystemKind::iter() {
            let message = event(kind);
            for (_, frame) in Frame::beside(&message) {
                assert_eq!(misfit_of(&frame), None, "{kind:?}");
            }
            let view = MessageView::of(message, &HashMap::new());
            assert_eq!(misfit_of(&Frame::of_message(view)), None, "{kind:?}");
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
                assert_eq!(misfit_of(&Frame::of_room_notice(notice, user_rev)), None, "{news:?}");
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
            assert_eq!(misfit_of(&pushed), None);
            assert!(text.contains(t) && !text.contains("mine") && !text.contains("latest_change"), "{text}");
            let (id, seq, rev) = (view.id, view.seq, view.rev);
            let ack =
                FramePayload::Ack(Ack::Message(Box::new(Acknowledged { id, seq, rev, dup: false, message: view })));
            let ack = Frame { re: Some("1"), room: None, rev: None, payload: ack };
            assert_eq!(misfit_of(&ack), None);
            assert!(ack.to_text().unwrap().contains("\"mine\":true"));
        }
        let request = json!({"action": "react", "id": "1", "d": {"id": "66f0c3d2a1b2c3d4e5f60718", "emoji": "👍"}});
        let document = asyncapi();
        let schema = &document["channels"]["chat"]["messages"]["request.react"]["payload"];
        assert_eq!(misfit(&document, schema, &request), None);
    }

    #[test]
    fn answer_that_names_rooms_that_are_gone_is_as_described() {
        let missed = Missed { gone: vec![RoomKey::group(RoomId(7))], ..Missed::default() };
        let pong = FramePayload::Pong(Pong { gaps: Vec::new(), missed });

        assert_eq!(misfit_of(&Frame { re: Some("1"), room: None, rev: None, payload: pong }), None);
    }

    #[test]
    fn gaps_name_rooms_and_a_pong_names_gaps() {
        let missed = json!({"gone": [], "more": false});
        for (t, name, is_as_described) in
            [("gaps", "rooms", true), ("gaps", "gaps", false), ("pong", "gaps", true), ("pong", "rooms", false)]
        {
            let mut frame = json!({"t": t, "d": missed});
            frame["d"][name] = json!(["group:7"]);
            if t == "pong" {
                frame["re"] = json!("1");
            }
            assert_eq!(misfit_of_frame(&frame).is_none(), is_as_described, "{frame}");
        }
    }

    #[test]
    fn frames_of_the_moment_are_as_described() {
        let (room, user) = (RoomKey::group(RoomId(7)), UserId(3));
        let presence = |last_seen_at: Option<Timestamp>| PersonPresence {
            user_id: user,
            online: last_seen_at.is_none(),
            last_seen_at,
            rev: 4,
        };
        let missed = Missed { user_rev: Some(5), ..Missed::default() };
        let gaps = GapsNews { rooms: vec![room], missed };
        let frame = |payload| Frame { re: None, room: None, rev: None, payload };
        let frames = [
            Frame::of_typing(room, user, true),
            Frame::of_receipt(room, user, Seq(4)),
            Frame::of_delivery(room, user, Seq(4)),
            Frame::of_presence(vec![presence(None), presence(Some(Timestamp::from_millis(0)))]),
            frame(FramePayload::Gaps(gaps)),
            Frame::of_end(Code::TooManyConnections, Locale::Ko, "request"),
            Frame::of_upload(upload(UploadState::Ready)),
            Frame::of_upload(upload(UploadState::Rejected)),
        ];
        let texts = frames.each_ref().map(|frame| RawValue::from_string(frame.to_text().unwrap()).unwrap());

        for frame in &frames {
            assert_eq!(misfit_of(frame), None);
        }
        assert_eq!(misfit_of(&Frame::of_batch(texts.into())), None);
    }

    #[test]
    fn message_may_say_what_its_author_has_read() {
        let message = Message { message_type: MessageType::Text, system: None, ..event(SystemKind::RoomCreated) };
        for seq in [None, Some(Seq(4))] {
            let frame = Frame::of_message(MessageView::of(message.clone(), &HashMap::new())).with_read(seq);
            assert_eq!(misfit_of(&frame), None);
            assert_eq!(frame.to_text().unwrap().contains("read_seq"), seq.is_some());
        }
    }

    #[test]
    fn acknowledgements_name_what_they_answer() {
        let acks = [
            Ack::Read(ReadCursor { read_seq: Seq(1), unread_count: 0 }),
            Ack::State(StateTaken { presence: OnlineFriends { online: vec![UserId(3)], more: false } }),
            Ack::Done(Done {}),
        ];
        for ack in acks {
            let mut frame = Frame { re: Some("1"), room: None, rev: None, payload: FramePayload::Ack(ack) };
            assert_eq!(misfit_of(&frame), None);
            frame.re = None;
            assert!(misfit_of(&frame).is_some());
        }
    }

    #[test]
    fn error_of_api_gateway_itself_may_be_received() {
        let error = json!({"message": "Forbidden", "connectionId": "c", "requestId": "r"});
        assert_eq!(misfit_of_received(&error), None);
        assert!(misfit_of_frame(&error).is_some());
        assert!(misfit_of_received(&json!({"t": "unheard of", "connectionId": "c"})).is_some());
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
