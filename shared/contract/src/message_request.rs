use crate::{NewAttachment, attachment::refused_attachments};
use domain::{
    Attach, ClientId, Code, Content, Fault, Invalid, MessageDraft, MessageId, MessageType, Rev, RoomId, RoomKey,
    RoomKind, Seq, UserId, fields,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// A message to send.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// The room's id.
    pub room_id: RoomId,
    /// The room's kind.
    pub room_type: RoomKind,
    /// 1 to 5,000 characters of which one is visible, at most 16 KiB as JSON. Every line end becomes LF. Beside attachments at most
    /// 4 KiB as JSON, and it may be empty; with `voice` it must be.
    #[schema(example = "안녕하세요")]
    pub content: String,
    /// The type of the message; `text` unless given. It must be given beside attachments. `system` is refused.
    pub message_type: Option<MessageType>,
    /// The files: 1 to 10 with `image` and `file`, one with `voice` and `video`, none with `text`. All must be of the kind that
    /// `message_type` says.
    #[serde(default)]
    #[schema(required = false, max_items = 10)]
    pub attachments: Vec<NewAttachment>,
    /// The message of the same room that this one replies to.
    pub reply_to: Option<MessageId>,
    /// 1 to 64 visible ASCII characters. A retry with the same id is the same message. Without one, a retry sends a second
    /// message.
    #[schema(example = "01J9ZQ4Z7Y", min_length = 1, max_length = 64, pattern = "^[!-~]+$")]
    pub client_id: Option<String>,
}

/// Where a message is to be forwarded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardTo {
    /// The id of the room to forward to.
    pub room_id: RoomId,
    /// The kind of that room.
    pub room_type: RoomKind,
    /// 1 to 64 visible ASCII characters. A retry with the same id is the same message. Without one, a retry sends a second
    /// message.
    #[schema(example = "01J9ZQ4Z7Z", min_length = 1, max_length = 64, pattern = "^[!-~]+$")]
    pub client_id: Option<String>,
}

/// A change of a message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MessagePatch {
    /// 1 to 5,000 characters of which one is visible, at most 16 KiB as JSON. Every line end becomes LF. Beside attachments at most
    /// 4 KiB as JSON, and it may be empty. A `voice` message has no text.
    #[schema(example = "안녕히 가세요")]
    pub content: String,
}

/// A page of a room's pinned messages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PinsQuery {
    /// The room's id.
    #[param(example = 12)]
    pub room_id: RoomId,
    /// The room's kind; `private` unless given.
    #[param(example = "private")]
    pub room_type: Option<RoomKind>,
    /// The number of items, 1 to 100; 30 unless given.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<i64>,
    /// The `next_cursor` of the page before; the first page unless given.
    #[param(min_length = 1)]
    pub cursor: Option<String>,
}

/// How far the caller has read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadUpTo {
    /// The room's id.
    pub room_id: RoomId,
    /// The room's kind.
    pub room_type: RoomKind,
    /// The `seq` of the newest read message. A number that is too high means the room's newest message.
    pub seq: Seq,
}

/// A page of a room's messages. At most one of `before`, `after` and `around` may be given; without them it is the newest page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    /// The room's kind; `private` unless given.
    #[param(example = "private")]
    pub room_type: Option<RoomKind>,
    /// Asks for the messages just before this `seq`.
    pub before: Option<Seq>,
    /// Asks for the messages just after this `seq`.
    pub after: Option<Seq>,
    /// Asks for the message with this `seq` and those on both sides of it.
    pub around: Option<Seq>,
    /// The number of items, 1 to 100; 30 unless given.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<i64>,
}

/// A request for a room's changes.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SyncQuery {
    /// The room's id.
    #[param(example = 12)]
    pub room_id: RoomId,
    /// The room's kind; `private` unless given.
    #[param(example = "private")]
    pub room_type: Option<RoomKind>,
    /// The client's cursor: the latest change that it has.
    #[param(example = 812)]
    pub after_rev: Rev,
    /// The number of items, 1 to 100; 30 unless given.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<i64>,
}

impl ForwardTo {
    /// The room and the client's id of the new message; `generate` makes one if the client gave none.
    pub fn parse(&self, generate: impl FnOnce() -> ClientId) -> Result<(RoomKey, ClientId), Fault> {
        let client_id = self.client_id.as_deref().map(ClientId::parse).transpose();
        let client_id = client_id.map_err(|reason| Fault::field("client_id", reason))?;
        Ok((RoomKey { kind: self.room_type, id: self.room_id }, client_id.unwrap_or_else(generate)))
    }
}

impl NewMessage {
    /// The draft of `user`, or every bad field; `generate` makes a `client_id` if the client gave none.
    pub fn into_draft(self, user: UserId, generate: impl FnOnce() -> ClientId) -> Result<MessageDraft, Fault> {
        let attachments: Vec<Attach> = self.attachments.into_iter().map(Attach::from).collect();
        let message_type = match self.message_type {
            None if !attachments.is_empty() => Err(Invalid::Required),
            message_type => message_type.unwrap_or(MessageType::Text).sendable(),
        };
        let content = Content::parse_optional(&self.content);
        let (content, message_type, (), client_id) = fields((
            (
                "content",
                content.and_then(|content| match message_type {
                    Ok(message_type) => content.fits(message_type).map(|()| content),
                    Err(_) => Ok(content),
                }),
            ),
            ("message_type", message_type),
            ("attachments", message_type.map_or(Ok(()), |message_type| message_type.with_files(attachments.len()))),
            ("client_id", self.client_id.as_deref().map(ClientId::parse).transpose()),
        ))?;
        let refused = refused_attachments(message_type, &attachments);
        if !refused.is_empty() {
            return Err(Fault { fields: refused, ..Code::InvalidFields.into() });
        }
        Ok(MessageDraft {
            room: RoomKey { kind: self.room_type, id: self.room_id },
            user,
            content,
            message_type,
            reply_to: self.reply_to,
            forwarded_from: None,
            attachments,
            client_id: client_id.unwrap_or_else(generate),
        })
    }
}

impl MessagePatch {
    /// The new text, or why no message may have it.
    pub fn parse(&self) -> Result<Content, Fault> {
        Content::parse_optional(&self.content).map_err(|reason| Fault::field("content", reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Random, parse_json};
    use serde_json::{Value, json};

    const ONE: &str = "9f2c4d1e8a7b4c3d9e0f112233445566";
    const TWO: &str = "00112233445566778899aabbccddeeff";

    /// The refused fields of a message.
    fn refused(more: &Value) -> Vec<(String, Invalid)> {
        let mut body = json!({"room_id": 1, "room_type": "private", "content": ""});
        body.as_object_mut().into_iter().zip(more.as_object()).for_each(|(body, more)| body.extend(more.clone()));
        let message = parse_json::<NewMessage>(body.to_string().as_bytes(), Code::MalformedBody);
        let draft =
            message.and_then(|it| it.into_draft(UserId(3), || ClientId::generate(Random(|bytes| bytes.fill(1)))));
        let fields = draft.err().map(|fault| fault.fields).unwrap_or_default();
        fields.into_iter().map(|field| (field.field.into_owned(), field.reason)).collect()
    }

    #[test]
    fn type_of_a_message_and_its_attachments_belong_together() {
        let one = json!([{"upload_id": ONE}]);
        for good in [
            json!({"message_type": "image", "attachments": one}),
            json!({"message_type": "file", "attachments": [{"upload_id": ONE}, {"upload_id": TWO}], "content": "hi"}),
            json!({"message_type": "voice", "attachments": one}),
            json!({"message_type": "video", "attachments": [{"upload_id": ONE, "poster_id": TWO}], "content": "hi"}),
            json!({"content": "hi", "attachments": []}),
        ] {
            assert_eq!(refused(&good), [], "{good}");
        }
        let many: Vec<_> = (0..11).map(|n| json!({"upload_id": format!("{n:032x}")})).collect();
        for (bad, field, reason) in [
            (json!({"content": "hi", "attachments": one}), "message_type", Invalid::Required),
            (
                json!({"content": "hi", "message_type": "text", "attachments": one}),
                "attachments",
                Invalid::Contradiction,
            ),
            (json!({}), "content", Invalid::Blank),
            (json!({"message_type": "image"}), "attachments", Invalid::Required),
            (json!({"message_type": "image", "attachments": many}), "attachments", Invalid::TooLong),
            (json!({"message_type": "voice", "attachments": one, "content": "hi"}), "content", Invalid::Contradiction),
            (json!({"message_type": "file", "attachments": one, "content": " "}), "content", Invalid::Blank),
            (
                json!({"message_type": "file", "attachments": one, "content": "a".repeat(4_095)}),
                "content",
                Invalid::TooLong,
            ),
            (
                json!({"message_type": "image", "attachments": [{"upload_id": ONE, "poster_id": TWO}]}),
                "attachments.0.poster_id",
                Invalid::Contradiction,
            ),
            (
                json!({"message_type": "image", "attachments": [{"upload_id": ONE}, {"upload_id": ONE}]}),
                "attachments.1.upload_id",
                Invalid::Contradiction,
            ),
            (
                json!({"message_type": "video", "attachments": [{"upload_id": ONE, "poster_id": ONE}]}),
                "attachments.0.poster_id",
                Invalid::Contradiction,
            ),
            (
                json!({"message_type": "image", "attachments": [{"upload_id": "x"}]}),
                "attachments.0.upload_id",
                Invalid::WrongType,
            ),
        ] {
            assert_eq!(refused(&bad), [(field.to_owned(), reason)], "{bad}");
        }
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use domain::{Code, Random, parse_json};
    use proptest::{collection::vec, prelude::*};
    use serde_json::json;

    /// A field of a message, as a client with bugs may send it.
    fn field() -> impl Strategy<Value = String> {
        prop_oneof![
            r#""room_id":(-?[0-9]{1,12}|"1"|null)"#,
            r#""room_type":("private"|"group"|"dm"|1)"#,
            r#""content":("(\\u[0-9a-f]{4}|[a-z가-힣 ]|\\r|\\n){0,6}"|null|1)"#,
            r#""message_type":("text"|"image"|"system"|"x"|null)"#,
            r#""reply_to":("[0-9a-f]{24}"|"[0-9a-zA-Z]{0,25}"|null)"#,
            r#""client_id":("[!#-~&&[^\\]]{0,66}"|"가"|null)"#,
            r#""[a-z]{1,4}":1"#,
        ]
    }

    fn read(message: NewMessage) -> Result<MessageDraft, Fault> {
        message.into_draft(UserId(3), || ClientId::generate(Random(|bytes| bytes.fill(1))))
    }

    proptest! {
        #[test]
        fn no_body_breaks_the_message_parser(fields in vec(field(), 0..7), text in "\\PC{0,60}") {
            for body in [format!("{{{}}}", fields.join(",")), text] {
                let outcome = parse_json::<NewMessage>(body.as_bytes(), Code::MalformedBody).and_then(read);
                if let Err(fault) = outcome { prop_assert!((400..500).contains(&fault.code.status()) && fault.source.is_none(), "{}", body); }
            }
        }

        #[test]
        fn accepted_message_is_accepted_again(room: i32, content in "\\PC{0,60}|[\r\n\u{2028}\u{200b}a]{0,9}", client_id in "[ -~]{0,66}", reply: Option<[u8; 12]>) {
            let body = json!({"room_id": room, "room_type": "private", "content": content, "client_id": client_id, "reply_to": reply.map(MessageId)});
            let message: NewMessage = parse_json(body.to_string().as_bytes(), Code::MalformedBody).unwrap();
            if let Ok(draft) = read(message) {
                let mut again = body;
                again["content"] = json!(draft.content.as_str());
                again["client_id"] = json!(draft.client_id.as_str());
                let again = read(parse_json(again.to_string().as_bytes(), Code::MalformedBody).unwrap()).unwrap();
                prop_assert_eq!((again.content, again.client_id, again.reply_to), (draft.content, draft.client_id, draft.reply_to));
            }
        }
    }
}
