use crate::client_frame::{
    Action, ClientFrame, DeleteFrame, DeliveredFrame, EditFrame, HelloFrame, PingFrame, ReactFrame, ReadFrame,
    SendFrame, StateFrame, SyncFrame, TypingFrame,
};
use domain::{Code, Fault, Invalid, Locale};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Value, value::RawValue};
use std::fmt;

/// The most characters of a frame's `id`.
pub(crate) const LONGEST_ID: usize = 64;

/// A text from a client, `{"action", "id"?, "d"?}`. Not `Debug`: it has texts that no log may see.
pub struct ClientRequest {
    /// The `id` to answer as `re`. Text that is no frame has none that could be trusted, and one that is refused is not repeated.
    pub id: Option<String>,
    /// The language that a `hello` asks for.
    pub language: Option<Locale>,
    /// Whether nobody awaits an answer to a frame that is answered only if it has an `id`: it was read, and has none.
    pub is_silent: bool,
    /// The frame, or why it is refused.
    pub frame: Result<ClientFrame, Fault>,
}

impl ClientRequest {
    /// Reads a text. A frame whose `action` comes before its `d` is parsed once; any other text again, to find what is wrong.
    pub fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_| Self::parse_by_parts(text))
    }

    fn parse_by_parts(text: &str) -> Self {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Envelope {
            action: String,
            id: Option<Value>,
            d: Option<Box<RawValue>>,
        }
        // A raw value may have lone surrogates.
        let syntax = serde_json::from_str::<Value>(text).map_err(|_| Fault::from(Code::MalformedFrame));
        let envelope = syntax.and_then(|_| domain::parse_json(text.as_bytes(), Code::MalformedFrame));
        let Envelope { action, id, d } = match envelope {
            Ok(envelope) => envelope,
            Err(refused) => {
                let frame = Err(Fault { code: Code::MalformedFrame, ..refused });
                return Self { id: None, language: None, is_silent: false, frame };
            }
        };
        let id = match id.map(parse_id).transpose() {
            Ok(id) => id,
            Err(reason) => {
                let frame = Err(Fault::field("id", reason));
                return Self { id: None, language: None, is_silent: false, frame };
            }
        };
        let is_silent = id.is_none();
        let details = d.as_ref().map_or("{}", |raw| raw.get());
        let Ok(action) = action.parse::<Action>() else {
            return Self { id, language: None, is_silent, frame: Err(Code::UnknownAction.into()) };
        };
        let frame = domain::parse_json_seed(details.as_bytes(), Code::MalformedFrame, action);
        let language = (action == Action::Hello).then(|| language_in(details)).flatten();
        Self { id, language, is_silent, frame }
    }
}

/// The `id` of a frame: it is repeated in the answer, which must fit into a frame too.
fn parse_id(id: Value) -> Result<String, Invalid> {
    match id {
        Value::String(id) if id.chars().count() <= LONGEST_ID => Ok(id),
        Value::String(_) => Err(Invalid::TooLong),
        _ => Err(Invalid::WrongType),
    }
}

/// The language in the details of a `hello` that may have other faults: it is answered in this language.
fn language_in(details: &str) -> Option<Locale> {
    #[derive(Deserialize)]
    struct Spoken {
        lang: String,
    }
    Locale::of_tag(&serde_json::from_str::<Spoken>(details).ok()?.lang)
}

impl<'de> Deserialize<'de> for ClientRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RequestVisitor)
    }
}

struct RequestVisitor;

impl<'de> Visitor<'de> for RequestVisitor {
    type Value = ClientRequest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a frame")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ClientRequest, A::Error> {
        let (mut id, mut action, mut frame) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            match (key.as_str(), action) {
                ("id", _) if id.is_none() => id = Some(map.next_value::<Option<String>>()?),
                ("action", None) => action = Some(map.next_value::<Action>()?),
                ("d", Some(action)) if frame.is_none() => frame = Some(map.next_value_seed(action)?),
                _ => return Err(A::Error::custom("not in the usual order")),
            }
        }
        let id = id
            .flatten()
            .map(|id| parse_id(Value::String(id)))
            .transpose()
            .map_err(|_| A::Error::custom("a long id"))?;
        let ping = || (action == Some(Action::Ping)).then(|| ClientFrame::Ping(PingFrame::default()));
        let frame = frame.or_else(ping);
        let frame = frame.ok_or_else(|| A::Error::custom("no details"))?;
        let language = match &frame {
            ClientFrame::Hello(hello) => hello.lang.as_deref().and_then(Locale::of_tag),
            _ => None,
        };
        Ok(ClientRequest { is_silent: id.is_none(), id, language, frame: Ok(frame) })
    }
}

/// Reads the details of an action, which are an object.
impl<'de> DeserializeSeed<'de> for Action {
    type Value = ClientFrame;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<ClientFrame, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Action {
    type Value = ClientFrame;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ClientFrame, A::Error> {
        let details = MapAccessDeserializer::new(map);
        Ok(match self {
            Self::Hello => ClientFrame::Hello(HelloFrame::deserialize(details)?),
            Self::Send => ClientFrame::Send(SendFrame::deserialize(details)?),
            Self::Edit => ClientFrame::Edit(EditFrame::deserialize(details)?),
            Self::Delete => ClientFrame::Delete(DeleteFrame::deserialize(details)?),
            Self::React => ClientFrame::React(ReactFrame::deserialize(details)?),
            Self::Read => ClientFrame::Read(ReadFrame::deserialize(details)?),
            Self::Delivered => ClientFrame::Delivered(DeliveredFrame::deserialize(details)?),
            Self::Typing => ClientFrame::Typing(TypingFrame::deserialize(details)?),
            Self::State => ClientFrame::State(StateFrame::deserialize(details)?),
            Self::Sync => ClientFrame::Sync(SyncFrame::deserialize(details)?),
            Self::Ping => ClientFrame::Ping(PingFrame::deserialize(details)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Option<(Code, String, Option<Invalid>)> {
        let fault = ClientRequest::parse(text).frame.err()?;
        let field = fault.fields.first();
        Some((
            fault.code,
            field.map(|field| field.field.to_string()).unwrap_or_default(),
            field.map(|field| field.reason),
        ))
    }

    pub(super) fn is_parsed_once(text: &str) -> bool {
        serde_json::from_str::<ClientRequest>(text).is_ok()
    }

    #[test]
    fn frame_is_an_object_with_an_action() {
        assert!(refusal(r#"{"action":"ping"}"#).is_none());
        for malformed in [
            "",
            "ping",
            "[]",
            r#"{"id":"1"}"#,
            r#"{"action":1}"#,
            r#"{"action":"ping","x":1}"#,
            r#"{"action":"ping","action":"ping"}"#,
            r#"{"action":"ping","d":"\ud800"}"#,
            r#"{"action":"fly","d":"\ud800"}"#,
            r#"["ping","1",null]"#,
        ] {
            let request = ClientRequest::parse(malformed);
            let code = request.frame.err().map(|fault| fault.code);
            assert_eq!((code, request.id), (Some(Code::MalformedFrame), None), "{malformed}");
        }
    }

    #[test]
    fn unknown_action_still_echoes_its_id() {
        for text in [r#"{"action":"fly","id":"1"}"#, r#"{"id":"1","d":{"x":[1]},"action":"Ping"}"#] {
            let request = ClientRequest::parse(text);
            assert_eq!(request.frame.err().map(|fault| fault.code), Some(Code::UnknownAction));
            assert_eq!(request.id.as_deref(), Some("1"));
        }
    }

    #[test]
    fn hello_names_its_language_even_if_refused() {
        for text in [
            r#"{"action":"hello","d":{"v":1,"lang":"ko-KR"}}"#,
            r#"{"d":{"v":1,"lang":"ko"},"action":"hello"}"#,
            r#"{"action":"hello","d":{"v":"1","lang":"ko"}}"#,
            r#"{"action":"hello","d":{"lang":"ko","x":1}}"#,
        ] {
            assert_eq!(ClientRequest::parse(text).language, Some(Locale::Ko), "{text}");
        }
        assert_eq!(ClientRequest::parse(r#"{"action":"ping","d":{"lang":"ko"}}"#).language, None);
    }

    #[test]
    fn ping_needs_no_details() {
        for text in [r#"{"action":"ping"}"#, r#"{"action":"ping","d":{}}"#, r#"{"action":"ping","d":null}"#] {
            let Ok(ClientFrame::Ping(ping)) = ClientRequest::parse(text).frame else { unreachable!("{text}") };
            assert!(ping.cursors.is_empty() && ping.user_rev.is_none(), "{text}");
        }
    }

    #[test]
    fn only_a_frame_that_was_read_and_has_no_id_is_silent() {
        for (text, is_silent) in [
            (r#"{"action":"ping"}"#, true),
            (r#"{"d":{},"action":"ping"}"#, true),
            (r#"{"action":"ping","d":{"x":1}}"#, true),
            (r#"{"action":"ping","id":"1"}"#, false),
            (r#"{"action":"ping","id":1}"#, false),
            (r#"{"action":"ping","x":1}"#, false),
            ("ping", false),
        ] {
            assert_eq!(ClientRequest::parse(text).is_silent, is_silent, "{text}");
        }
    }

    #[test]
    fn hello_of_an_older_client_says_that_somebody_is_there() {
        for (details, active) in [(r#"{"v":1}"#, true), (r#"{"v":1,"active":false}"#, false)] {
            let text = format!(r#"{{"action":"hello","d":{details}}}"#);
            let Ok(ClientFrame::Hello(hello)) = ClientRequest::parse(&text).frame else { unreachable!("{text}") };
            assert_eq!(hello.active, active);
        }
    }

    #[test]
    fn id_of_a_frame_is_a_short_string() {
        let longest = "가".repeat(LONGEST_ID);
        let of = |id: &str| format!(r#"{{"action":"ping","id":{id}}}"#);
        assert_eq!(ClientRequest::parse(&of(&format!("\"{longest}\""))).id, Some(longest.clone()));
        assert_eq!(ClientRequest::parse(&of("null")).id, None);
        for (id, reason) in [
            (format!("\"{longest}x\""), Invalid::TooLong),
            ("7".to_owned(), Invalid::WrongType),
            (r#"["7"]"#.to_owned(), Invalid::WrongType),
        ] {
            assert_eq!(refusal(&of(&id)), Some((Code::InvalidFields, "id".to_owned(), Some(reason))), "{id}");
            assert_eq!(ClientRequest::parse(&of(&id)).id, None);
        }
    }

    #[test]
    fn refused_field_is_named_by_its_path_in_d() {
        for (text, field, reason) in [
            (r#"{"action":"read"}"#, "room", Invalid::Required),
            (r#"{"action":"read","d":null}"#, "room", Invalid::Required),
            (r#"{"action":"read","d":[]}"#, "$", Invalid::WrongType),
            (r#"{"action":"read","d":["private:1",2]}"#, "$", Invalid::WrongType),
            (r#"{"action":"read","d":{"room":"dm:1","seq":2}}"#, "room", Invalid::WrongType),
            (r#"{"action":"read","d":{"room":"private:1","seq":"2"}}"#, "seq", Invalid::WrongType),
            (r#"{"action":"read","d":{"room":"private:1","seq":2,"x":1}}"#, "$", Invalid::UnknownField),
            (r#"{"action":"read","d":{"seq":2,"seq":2}}"#, "seq", Invalid::Contradiction),
            (r#"{"action":"ping","d":5}"#, "$", Invalid::WrongType),
            (r#"{"action":"ping","d":{"x":1}}"#, "$", Invalid::UnknownField),
            (r#"{"action":"hello","d":{"v":1,"cursors":{"private:1":"2"}}}"#, "cursors", Invalid::WrongType),
            (r#"{"action":"hello","d":{"v":1,"cursors":{"hunter2":2}}}"#, "cursors", Invalid::WrongType),
        ] {
            assert_eq!(refusal(text), Some((Code::InvalidFields, field.to_owned(), Some(reason))), "{text}");
        }
    }

    #[test]
    fn frame_in_any_order_is_read() {
        let usual = r#"{"action":"delete","id":"1","d":{"id":"66f0c3d2a1b2c3d4e5f60718"}}"#;
        let other = r#"{"d":{"id":"66f0c3d2a1b2c3d4e5f60718"},"id":"1","action":"delete"}"#;

        assert!(is_parsed_once(usual) && !is_parsed_once(other));
        for text in [usual, other] {
            let request = ClientRequest::parse(text);
            assert!(
                request.id.as_deref() == Some("1") && matches!(request.frame, Ok(ClientFrame::Delete(_))),
                "{text}"
            );
        }
    }
}

#[cfg(test)]
mod properties {
    use super::{tests::is_parsed_once, *};
    use crate::NewAttachment;
    use domain::{MessageId, MessageType, Rev, RoomId, RoomKey, RoomKind, Seq, UploadId};
    use proptest::{collection::vec, prelude::*};
    use std::collections::BTreeMap;

    /// A field of a frame, as a client with bugs may send it.
    fn part() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => r#""action":"(hello|send|edit|delete|react|read|delivered|typing|state|sync|ping|fly)""#,
            4 => Just(r#""d":DETAILS"#.to_owned()),
            1 => r#""id":("[a-z0-9]{0,3}"|1|null)"#,
            1 => r#""d":(null|1|\[\]|"x")"#,
            1 => r#""[a-z]{1,3}":(null|"\\ud800"|\{)"#,
        ]
    }

    /// A field of a frame's details.
    fn detail() -> impl Strategy<Value = String> {
        prop_oneof![
            r#""room":"(private:[0-9]{1,11}|group:1|dm:1|)""#,
            r#""(seq|after_rev|limit|v)":(-?[0-9]{1,20}|1\.5|1e3|"1"|null)"#,
            r#""(id|reply_to)":("[0-9a-f]{24}"|"[0-9A-F]{23,25}"|null)"#,
            r#""(content|client_id|emoji|lang|x)":"[\PC&&[^"\\]]{0,5}""#,
            r#""cursors":\{("private:1":[0-9]{1,3})?\}"#,
            r#""(active|on|remove)":(true|false|null|1)"#,
            r#""message_type":"(text|system|x)""#,
        ]
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_frame_parser(
            text in "\\PC{0,80}",
            parts in vec(part(), 0..5),
            details in vec(detail(), 0..5),
        ) {
            let details = format!("{{{}}}", details.join(","));
            let frame = format!("{{{}}}", parts.join(",").replace("DETAILS", &details));
            for text in [text, frame] {
                let request = ClientRequest::parse(&text);
                match request.frame {
                    // What was read is a frame that reads the same.
                    Ok(frame) => {
                        let sent = serde_json::to_string(&frame).unwrap();
                        let again = ClientRequest::parse(&sent).frame.unwrap();
                        prop_assert_eq!(serde_json::to_string(&again).unwrap(), sent);
                    }
                    Err(fault) => prop_assert!((400..500).contains(&fault.code.status()) && fault.source.is_none(), "{}", text),
                }
            }
        }

        #[test]
        fn frame_of_a_client_is_parsed_once(
            id in 0..i32::MAX, seq: i64, text in ".{0,40}", limit: Option<i64>, message: [u8; 12], reply: Option<[u8; 12]>,
            remove: bool,
        ) {
            let (room, message) = (RoomKey { kind: RoomKind::Group, id: RoomId(id) }, MessageId(message));
            let frames = [
                ClientFrame::Hello(HelloFrame {
                    v: 1,
                    lang: None,
                    cursors: BTreeMap::from([(room, Rev(seq))]),
                    active: remove,
                }),
                ClientFrame::Send(SendFrame {
                    room,
                    client_id: text.clone(),
                    content: text.clone(),
                    message_type: Some(MessageType::Text),
                    attachments: vec![NewAttachment { upload_id: UploadId([7; 16]), poster_id: None }],
                    reply_to: reply.map(MessageId),
                    read_seq: limit.map(Seq),
                }),
                ClientFrame::Edit(EditFrame { id: message, content: text.clone() }),
                ClientFrame::React(ReactFrame { id: message, emoji: text, remove }),
                ClientFrame::Delete(DeleteFrame { id: message }),
                ClientFrame::Read(ReadFrame { room, seq: Seq(seq) }),
                ClientFrame::Delivered(DeliveredFrame { room, seq: Seq(seq) }),
                ClientFrame::Typing(TypingFrame { room, on: remove }),
                ClientFrame::State(StateFrame { active: remove, room: limit.map(|_| room) }),
                ClientFrame::Sync(SyncFrame { room, after_rev: Rev(seq), limit }),
                ClientFrame::Ping(PingFrame { cursors: BTreeMap::from([(room, Rev(seq))]), user_rev: limit }),
            ];
            for frame in frames {
                let sent = serde_json::to_string(&frame).unwrap();
                prop_assert!(is_parsed_once(&sent));
                let read = ClientRequest::parse(&sent).frame.unwrap();
                prop_assert_eq!(serde_json::to_string(&read).unwrap(), sent);
            }
        }
    }
}
