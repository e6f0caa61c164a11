use crate::{AttachmentView, NewAttachment, QuotedAttachmentView, ReactionView, attachment::refused_attachments};
use domain::{
    Attach, ClientId, Code, Content, Fault, Invalid, LatestChange, Locale, MentionsAll, Message, MessageDraft,
    MessageId, MessageType, MessageVersion, Quote, Rev, Role, RoomId, RoomKey, RoomKind, Seq, System, SystemKind,
    Timestamp, UserId, fields,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::{IntoParams, ToSchema};

/// A message, whole and as of its `rev`.
#[derive(Clone, Serialize, ToSchema)]
pub struct MessageView {
    /// The message's id.
    pub id: MessageId,
    /// The room's id.
    pub room_id: RoomId,
    /// The room's kind.
    pub room_type: RoomKind,
    /// The author.
    pub user_id: UserId,
    /// The text in Unicode NFC; empty if the message is deleted, in a `voice` and a `system` message, and perhaps beside attachments.
    #[schema(example = "안녕하세요")]
    pub content: String,
    /// The type of the message.
    pub message_type: MessageType,
    /// The files of the message, all of the kind that `message_type` says; empty in a `text` and a `system` message, and if the message
    /// is deleted. They never change.
    pub attachments: Vec<AttachmentView>,
    /// What a `system` message says: what happened to the room. Null in every other message.
    #[schema(required = true)]
    pub system: Option<SystemView>,
    /// The message that this one replies to; null if it is no reply.
    #[schema(required = true)]
    pub reply_to: Option<MessageId>,
    /// The beginning of the message that this one replies to, as of now: it can change without a new `rev` of this message.
    #[schema(required = true)]
    pub quote: Option<QuoteView>,
    /// The members whom the text mentions by `@username`, in the order of the text.
    pub mentions: Vec<UserId>,
    /// The word by which the text mentions all members of a group at once; null if it does not.
    #[schema(required = true)]
    pub mentions_all: Option<MentionsAll>,
    /// Where the text comes from; null if the message was not forwarded.
    #[schema(required = true)]
    pub forwarded_from: Option<ForwardedView>,
    /// The message's number in the room, which never changes.
    pub seq: Seq,
    /// The number of the message's latest change in the room.
    pub rev: Rev,
    /// The id that the client chose for the message. That of a `system` message has a space.
    #[schema(example = "01J9ZQ4Z7Y")]
    pub client_id: String,
    /// Whether the author has edited the message.
    pub is_edited: bool,
    /// The time of the latest edit; null if there was none.
    #[schema(required = true)]
    pub edited_at: Option<Timestamp>,
    /// Whether the message is deleted.
    pub is_deleted: bool,
    /// The reactions, by the time of the first one with each emoji; empty if there are none.
    pub reactions: Vec<ReactionView>,
    /// The time when the message was pinned; null if it is not pinned.
    #[schema(required = true)]
    pub pinned_at: Option<Timestamp>,
    /// Who pinned the message; null if it is not pinned.
    #[schema(required = true)]
    pub pinned_by: Option<UserId>,
    /// The time when the message was sent.
    pub created_at: Timestamp,
    /// The time of the latest change.
    pub updated_at: Timestamp,
    #[serde(skip)]
    pub(crate) latest_change: Option<LatestChange>,
}

/// A change of a group. It is in the room's order like every message, has no text of its own, can't be edited or deleted, and does
/// not count as unread.
#[derive(Clone, Serialize, ToSchema)]
pub struct SystemView {
    /// What happened.
    pub kind: SystemKind,
    /// The person it happened to; null if it concerns the group itself.
    #[schema(required = true)]
    pub user_id: Option<UserId>,
    /// The person who did it.
    pub by: UserId,
    /// The person's role since then, with `role_changed` and `owner_changed`; otherwise null.
    #[schema(required = true)]
    pub role: Option<Role>,
    /// The group's name since then, with `room_created` and `room_updated`; otherwise null.
    #[schema(required = true, example = "등산 모임")]
    pub name: Option<String>,
    /// A sentence for clients that show nothing else. It names nobody.
    pub text: SystemText,
}

/// A sentence in both languages.
#[derive(Clone, Serialize, ToSchema)]
pub struct SystemText {
    /// Korean.
    #[schema(example = "새 멤버가 들어왔습니다.")]
    pub ko: &'static str,
    /// English.
    #[schema(example = "A member joined.")]
    pub en: &'static str,
}

/// Where the text of a forwarded message comes from. It names no room.
#[derive(Clone, Serialize, ToSchema)]
pub struct ForwardedView {
    /// The person who wrote the text.
    pub user_id: UserId,
}

/// The beginning of a message that another one replies to.
#[derive(Clone, Serialize, ToSchema)]
pub struct QuoteView {
    /// The author.
    pub user_id: UserId,
    /// The type of the message.
    pub message_type: MessageType,
    /// The first 100 characters; empty if the message is deleted or has no text.
    #[schema(example = "안녕하세요")]
    pub content: String,
    /// The message's first file; null if it has none or is deleted.
    #[schema(required = true)]
    pub attachment: Option<QuotedAttachmentView>,
    /// Whether the message is deleted.
    pub is_deleted: bool,
}

/// A text that a message had before an edit.
#[derive(Serialize, ToSchema)]
pub struct MessageVersionView {
    /// The text.
    #[schema(example = "안뇽하세요")]
    pub content: String,
    /// When an edit wrote this text; null for the text as it was sent.
    #[schema(required = true)]
    pub edited_at: Option<Timestamp>,
}

/// A page of a room's messages, by `seq`.
#[derive(Serialize, ToSchema)]
pub struct MessagePage {
    /// The messages, the oldest first.
    pub items: Vec<MessageView>,
    /// Whether the room has older messages.
    pub has_before: bool,
    /// Whether the room has newer messages.
    pub has_after: bool,
    /// The first `after_rev` for `sync`: `sync` brings every change that this page may miss.
    pub cursor: Rev,
}

/// The changes of a room after a cursor.
#[derive(Serialize, ToSchema)]
pub struct SyncPage {
    /// Each changed message once, whole and as of now, by `rev`.
    pub items: Vec<MessageView>,
    /// The next `after_rev`; keep your own cursor if it is higher.
    pub cursor: Rev,
    /// The room's latest change: ask again while `cursor < head`.
    pub head: Rev,
    /// Whether items were left out for size: ask again at once.
    pub more: bool,
}

/// How far a member has read in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReadCursor {
    /// The newest read message. It never moves back. It is lower than what was asked for while a message before that is still
    /// being sent: mark it again when that message arrives.
    pub read_seq: Seq,
    /// How many later messages there are, except the member's own, deleted and system ones; 100 means more than 99.
    #[schema(example = 0)]
    pub unread_count: i32,
}

/// A room with unread messages.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnreadView {
    /// The room's id.
    pub room_id: RoomId,
    /// The room's kind.
    pub room_type: RoomKind,
    /// How many messages the caller has not read, except their own, deleted and system ones; 100 means more than 99.
    #[schema(example = 2)]
    pub unread_count: i32,
    /// The newest read message.
    pub read_seq: Seq,
}

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

impl MessageView {
    /// A message with its quote, if it replies to one of `quotes`.
    pub fn of(message: Message, quotes: &HashMap<MessageId, Quote>) -> Self {
        let quote = message.reply_to.and_then(|id| quotes.get(&id)).map(|quote| QuoteView {
            user_id: quote.user,
            message_type: quote.message_type,
            content: quote.beginning.clone(),
            attachment: quote.attachment.as_ref().map(QuotedAttachmentView::from),
            is_deleted: quote.is_deleted,
        });
        Self {
            id: message.id,
            room_id: message.room.id,
            room_type: message.room.kind,
            user_id: message.user,
            content: message.content,
            message_type: message.message_type,
            attachments: message.attachments.into_iter().map(AttachmentView::from).collect(),
            system: message.system.map(SystemView::from),
            reply_to: message.reply_to,
            quote,
            mentions: message.mentions.people,
            mentions_all: message.mentions.all,
            forwarded_from: message.forwarded_from.map(|user_id| ForwardedView { user_id }),
            seq: message.seq,
            rev: message.rev,
            client_id: message.client_id,
            is_edited: message.edited_at.is_some(),
            edited_at: message.edited_at,
            is_deleted: message.deleted_at.is_some(),
            reactions: message.reactions.into_iter().map(ReactionView::from).collect(),
            pinned_at: message.pin.map(|pin| pin.at),
            pinned_by: message.pin.map(|pin| pin.by),
            created_at: message.created_at,
            updated_at: message.updated_at,
            latest_change: message.latest_change,
        }
    }

    /// The same without what one person alone may learn from it.
    #[must_use]
    pub fn for_everyone(mut self) -> Self {
        for reaction in &mut self.reactions {
            reaction.mine = None;
        }
        self
    }
}

impl From<System> for SystemView {
    fn from(System { kind, user: user_id, by, role, name }: System) -> Self {
        let text = SystemText { ko: kind.text(Locale::Ko), en: kind.text(Locale::En) };
        Self { kind, user_id, by, role, name, text }
    }
}

impl From<MessageVersion> for MessageVersionView {
    fn from(version: MessageVersion) -> Self {
        Self { content: version.content, edited_at: version.edited_at }
    }
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
