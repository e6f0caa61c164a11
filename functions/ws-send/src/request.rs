use domain::{Code, Fault, Locale};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// A frame from a client: `{"action", "id"?, "d"?}`. Not `Debug`: `d` has texts that no log may see.
pub(crate) struct Request {
    pub action: Action,
    /// Echoed as `re`.
    pub id: Option<String>,
    d: Option<Box<RawValue>>,
}

/// What a client may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Hello,
    Send,
    Edit,
    Delete,
    Read,
    Sync,
    Ping,
    /// Anything else: still a frame, whose refusal echoes its `id`.
    Unknown,
}

impl Action {
    fn of_name(name: &str) -> Self {
        match name {
            "hello" => Self::Hello,
            "send" => Self::Send,
            "edit" => Self::Edit,
            "delete" => Self::Delete,
            "read" => Self::Read,
            "sync" => Self::Sync,
            "ping" => Self::Ping,
            _ => Self::Unknown,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    action: String,
    id: Option<String>,
    d: Option<Box<RawValue>>,
}

impl Request {
    /// Reads a frame. A refusal carries no `id`: what is no frame has none that could be trusted.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let envelope: Envelope = domain::parse_json(text.as_bytes(), Code::MalformedFrame)
            .map_err(|refused| Fault { code: Code::MalformedFrame, ..refused })?;
        Ok(Self { action: Action::of_name(&envelope.action), id: envelope.id, d: envelope.d })
    }

    /// The frame's `d`; none is an empty one.
    pub(crate) fn details<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let text = self.d.as_ref().map_or("{}", |raw| raw.get());
        domain::parse_json(text.as_bytes(), Code::MalformedFrame)
    }

    /// The language that a `hello` asks for.
    pub(crate) fn language(&self) -> Option<Locale> {
        #[derive(Deserialize)]
        struct Spoken {
            lang: String,
        }
        let hello = (self.action == Action::Hello).then(|| serde_json::from_str::<Spoken>(self.d.as_ref()?.get()).ok());
        Locale::of_tag(&hello??.lang)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<Code> {
        Request::parse(text).err().map(|fault| fault.code)
    }

    #[test]
    fn a_frame_is_an_object_with_an_action() {
        assert_eq!(code(r#"{"action":"ping"}"#), None);
        let unknown = Request::parse(r#"{"action":"fly","id":"1"}"#).unwrap();
        assert_eq!((unknown.action, unknown.id.as_deref()), (Action::Unknown, Some("1")));
        for malformed in [
            "",
            "ping",
            "[]",
            r#"{"id":"1"}"#,
            r#"{"action":1}"#,
            r#"{"action":"ping","x":1}"#,
            r#"{"action":"ping","id":1}"#,
        ] {
            assert_eq!(code(malformed), Some(Code::MalformedFrame), "{malformed}");
        }
    }

    #[test]
    fn a_hello_names_its_language() {
        let hello = Request::parse(r#"{"action":"hello","d":{"v":1,"lang":"ko-KR"}}"#).unwrap();
        assert_eq!(hello.language(), Some(Locale::Ko));
        let ping = Request::parse(r#"{"action":"ping","d":{"lang":"ko"}}"#).unwrap();
        assert_eq!(ping.language(), None);
    }
}
