use crate::{Invalid, Locale};
use serde::Serialize;
use std::{
    borrow::Cow,
    error::Error,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use strum::IntoStaticStr;

/// What went wrong, as clients know it; append-only, `snake_case` on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, IntoStaticStr)]
#[cfg_attr(test, derive(strum::EnumIter))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Code {
    /// The body is not JSON.
    MalformedBody,
    /// The body is over 64 KB.
    BodyTooLarge,
    /// The body is declared as another media type than the route takes.
    UnsupportedMediaType,
    /// One or more fields were refused; `errors` says which.
    InvalidFields,
    /// No access token, or one that is not valid.
    Unauthenticated,
    /// The access token was valid and its time is over.
    TokenExpired,
    /// E-mail and password do not belong together.
    InvalidCredentials,
    /// The refresh token is not valid, not any more, or was used before.
    RefreshTokenInvalid,
    /// The ticket is unknown, used or late.
    TicketInvalid,
    /// Pages of this origin may not connect.
    OriginForbidden,
    /// The current password that was given is not the account's.
    WrongPassword,
    /// The API has no such route.
    RouteNotFound,
    /// The route does not take this method.
    MethodNotAllowed,
    /// No such person for the caller.
    UserNotFound,
    /// No such login of the caller's.
    SessionNotFound,
    /// No such friendship or request of the caller's, or not any more.
    FriendshipNotFound,
    /// No such room for the caller.
    RoomNotFound,
    /// No such message for the caller.
    MessageNotFound,
    /// Only its author may do this to a message.
    NotAuthor,
    /// Only the person who was asked may answer a request.
    NotAddressee,
    /// Nobody can write to this room any more, or for now.
    RecipientUnavailable,
    /// Someone has this e-mail address.
    EmailTaken,
    /// Someone has this username.
    UsernameTaken,
    /// The caller has blocked this person.
    UserBlocked,
    /// The caller or the other person has as many friends as possible.
    TooManyFriends,
    /// The caller has blocked as many people as possible.
    TooManyBlocks,
    /// The caller's role in the group is too low for this.
    NotPermitted,
    /// The caller was removed from the group and comes back only when a member adds them.
    RemovedFromRoom,
    /// People are added to groups by friends of theirs.
    NotFriends,
    /// No such member of the group, or not any more.
    MemberNotFound,
    /// No such invite, or not any more.
    InviteNotFound,
    /// The group has as many members as it may have.
    RoomFull,
    /// One of the people is in as many groups as possible.
    TooManyGroups,
    /// The group has more members than the size that was asked for.
    TooManyMembers,
    /// The group has as many invites as possible.
    TooManyInvites,
    /// The person is banned from the group.
    UserBanned,
    /// An owner passes the group on before they leave it.
    OwnerMustTransfer,
    /// Only admins mention everybody in a group as large as this one.
    WideMentionForbidden,
    /// The message is a notice of the room, which nobody changes.
    SystemMessage,
    /// The message has as many different emojis as possible.
    TooManyReactions,
    /// The room has as many pinned messages as possible.
    TooManyPins,
    /// The caller has hidden as many messages of the room as possible, or too many people have hidden the message.
    TooManyHidden,
    /// The `client_id` was used for another message or upload.
    ClientIdReused,
    /// The frame is not of the form `{action, id?, d?}`.
    MalformedFrame,
    /// The frame names an action that does not exist.
    UnknownAction,
    /// The client speaks another version of the protocol.
    UnsupportedVersion,
    /// The connection is not known; connect again with a new ticket.
    ConnectionUnknown,
    /// Newer connections of the same person took the place of this one.
    TooManyConnections,
    /// The token of a mail is unknown, used, replaced by a newer one or late, or is another account's.
    MailTokenInvalid,
    /// This installation sends no mail.
    MailOff,
    /// No such device of the caller's, or not any more.
    DeviceNotFound,
    /// This installation sends no such notifications.
    PushOff,
    /// No such upload of the caller's, or not any more.
    UploadNotFound,
    /// The file has not arrived whole.
    UploadIncomplete,
    /// The file has arrived already.
    UploadArrived,
    /// The file is not inspected yet.
    UploadNotReady,
    /// A message, a profile or a group has the upload.
    UploadTaken,
    /// The caller has as many open uploads, or as many bytes, as possible.
    QuotaExceeded,
    /// Too many requests of this kind; the answer says when to go on.
    RateLimited,
    /// A store is away or did not answer in time; the outcome may be unknown.
    Unavailable,
    /// A fault of ours.
    Internal,
}

impl Code {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The HTTP status that goes with it.
    pub const fn status(self) -> u16 {
        match self {
            Self::MalformedBody | Self::MalformedFrame | Self::UnknownAction | Self::UnsupportedVersion => 400,
            Self::Unauthenticated
            | Self::TokenExpired
            | Self::InvalidCredentials
            | Self::RefreshTokenInvalid
            | Self::TicketInvalid
            | Self::ConnectionUnknown => 401,
            Self::OriginForbidden
            | Self::WrongPassword
            | Self::MailTokenInvalid
            | Self::NotAuthor
            | Self::NotAddressee
            | Self::RecipientUnavailable
            | Self::NotPermitted
            | Self::RemovedFromRoom
            | Self::NotFriends
            | Self::WideMentionForbidden
            | Self::SystemMessage
            | Self::QuotaExceeded => 403,
            Self::RouteNotFound
            | Self::UserNotFound
            | Self::SessionNotFound
            | Self::FriendshipNotFound
            | Self::RoomNotFound
            | Self::MessageNotFound
            | Self::MemberNotFound
            | Self::InviteNotFound
            | Self::DeviceNotFound
            | Self::PushOff
            | Self::UploadNotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::EmailTaken
            | Self::UsernameTaken
            | Self::UserBlocked
            | Self::TooManyFriends
            | Self::TooManyBlocks
            | Self::RoomFull
            | Self::TooManyGroups
            | Self::TooManyMembers
            | Self::TooManyInvites
            | Self::UserBanned
            | Self::OwnerMustTransfer
            | Self::TooManyReactions
            | Self::TooManyPins
            | Self::TooManyHidden
            | Self::ClientIdReused
            | Self::MailOff
            | Self::UploadIncomplete
            | Self::UploadArrived
            | Self::UploadNotReady
            | Self::UploadTaken
            | Self::TooManyConnections => 409,
            Self::BodyTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::InvalidFields => 422,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// The sentence that a person reads.
    #[expect(clippy::too_many_lines, reason = "it is a table with a sentence per code")]
    pub const fn text(self, locale: Locale) -> &'static str {
        match self {
            Self::MalformedBody => locale.pick("The request body could not be read.", "요청 본문을 읽을 수 없습니다."),
            Self::BodyTooLarge => locale.pick("The request body is over 64 KB.", "요청 본문이 64KB를 넘습니다."),
            Self::UnsupportedMediaType => {
                locale.pick("This media type is not supported here.", "지원하지 않는 미디어 형식입니다.")
            }
            Self::InvalidFields => locale.pick("Some fields are not valid.", "올바르지 않은 항목이 있습니다."),
            Self::Unauthenticated => locale.pick("Please sign in.", "로그인이 필요합니다."),
            Self::TokenExpired => locale.pick("The access token has expired.", "액세스 토큰이 만료되었습니다."),
            Self::InvalidCredentials => {
                locale.pick("The e-mail address or the password is wrong.", "이메일 또는 비밀번호가 올바르지 않습니다.")
            }
            Self::RefreshTokenInvalid => locale.pick("Please sign in again.", "다시 로그인해 주세요."),
            Self::TicketInvalid => locale.pick("The ticket is not valid.", "유효하지 않은 티켓입니다."),
            Self::OriginForbidden => locale.pick("This origin may not connect.", "허용되지 않은 출처의 연결입니다."),
            Self::WrongPassword => locale.pick("The current password is wrong.", "현재 비밀번호가 올바르지 않습니다."),
            Self::RouteNotFound => locale.pick("There is no such route.", "존재하지 않는 경로입니다."),
            Self::MethodNotAllowed => {
                locale.pick("The route does not take this method.", "이 경로에서 허용되지 않는 메서드입니다.")
            }
            Self::UserNotFound => locale.pick("The user was not found.", "사용자를 찾을 수 없습니다."),
            Self::SessionNotFound => locale.pick("The session was not found.", "세션을 찾을 수 없습니다."),
            Self::FriendshipNotFound => {
                locale.pick("The friendship or request was not found.", "친구 관계 또는 요청을 찾을 수 없습니다.")
            }
            Self::RoomNotFound => locale.pick("The room was not found.", "대화방을 찾을 수 없습니다."),
            Self::MessageNotFound => locale.pick("The message was not found.", "메시지를 찾을 수 없습니다."),
            Self::NotAuthor => locale.pick("Only its author may do this.", "작성자만 할 수 있습니다."),
            Self::NotAddressee => {
                locale.pick("Only the person who was asked may do this.", "요청을 받은 사람만 할 수 있습니다.")
            }
            Self::RecipientUnavailable => {
                locale.pick("The recipient is not available.", "메시지를 받을 수 없는 상대입니다.")
            }
            Self::EmailTaken => locale.pick("This e-mail address is taken.", "이미 사용 중인 이메일입니다."),
            Self::UsernameTaken => locale.pick("This username is taken.", "이미 사용 중인 사용자 이름입니다."),
            Self::UserBlocked => locale.pick(
                "You have blocked this person. Unblock them first.",
                "차단한 사용자입니다. 먼저 차단을 해제해 주세요.",
            ),
            Self::TooManyFriends => locale.pick(
                "One of you has 5,000 friends, which is the most.",
                "두 사람 중 한 명의 친구가 최대 인원(5,000명)입니다.",
            ),
            Self::TooManyBlocks => locale.pick(
                "You have blocked 1,000 people, which is the most.",
                "차단할 수 있는 최대 인원(1,000명)에 도달했습니다.",
            ),
            Self::NotPermitted => {
                locale.pick("Your role in this group does not allow this.", "이 그룹에서 그럴 수 있는 역할이 아닙니다.")
            }
            Self::RemovedFromRoom => locale.pick(
                "You were removed from this group. A member has to add you.",
                "이 그룹에서 내보내졌습니다. 멤버가 추가해야 다시 들어올 수 있습니다.",
            ),
            Self::NotFriends => locale.pick("You can only add friends of yours.", "자신의 친구만 추가할 수 있습니다."),
            Self::MemberNotFound => locale.pick("The member was not found.", "멤버를 찾을 수 없습니다."),
            Self::InviteNotFound => locale
                .pick("The invite was not found or has ended.", "초대를 찾을 수 없거나 더 이상 유효하지 않습니다."),
            Self::RoomFull => locale.pick("The group is full.", "그룹의 정원이 찼습니다."),
            Self::TooManyGroups => locale.pick(
                "One of you is in 500 groups, which is the most.",
                "참여할 수 있는 최대 그룹 수(500개)에 도달했습니다.",
            ),
            Self::TooManyMembers => {
                locale.pick("The group has more members than that.", "현재 멤버 수보다 작게 정할 수 없습니다.")
            }
            Self::TooManyInvites => locale.pick(
                "The group has 100 invites, which is the most. Revoke some first.",
                "초대 링크가 최대 개수(100개)입니다. 먼저 일부를 취소해 주세요.",
            ),
            Self::UserBanned => {
                locale.pick("This person is banned from the group.", "이 그룹에서 차단된 사용자입니다.")
            }
            Self::OwnerMustTransfer => locale.pick(
                "Pass the ownership on or delete the group first.",
                "먼저 방장을 위임하거나 그룹을 삭제해 주세요.",
            ),
            Self::WideMentionForbidden => locale.pick(
                "In a group of this size only admins mention everybody.",
                "이 규모의 그룹에서는 관리자만 모두를 멘션할 수 있습니다.",
            ),
            Self::SystemMessage => {
                locale.pick("Notices of the room cannot be changed.", "대화방 알림 메시지는 변경할 수 없습니다.")
            }
            Self::TooManyReactions => locale.pick(
                "The message has 20 emojis, or 2,000 people chose this one, which is the most.",
                "메시지의 이모지 종류(20개) 또는 이 이모지를 단 사람(2,000명)이 최대에 도달했습니다.",
            ),
            Self::TooManyPins => locale.pick(
                "The room has 50 pinned messages, which is the most. Unpin one first.",
                "고정할 수 있는 메시지(50개)가 가득 찼습니다. 먼저 하나를 해제해 주세요.",
            ),
            Self::TooManyHidden => locale.pick(
                "You have hidden 1,000 messages of this room, which is the most.",
                "이 대화방에서 숨길 수 있는 최대 메시지 수(1,000개)에 도달했습니다.",
            ),
            Self::ClientIdReused => {
                locale.pick("This client_id was used for something else.", "이미 다른 요청에 사용된 client_id입니다.")
            }
            Self::MalformedFrame => locale.pick("The frame could not be read.", "프레임을 읽을 수 없습니다."),
            Self::UnknownAction => locale.pick("There is no such action.", "존재하지 않는 동작입니다."),
            Self::UnsupportedVersion => {
                locale.pick("This protocol version is not supported.", "지원하지 않는 프로토콜 버전입니다.")
            }
            Self::ConnectionUnknown => {
                locale.pick("Please connect again with a new ticket.", "새 티켓으로 다시 연결해 주세요.")
            }
            Self::TooManyConnections => {
                locale.pick("Closed because of newer connections of yours.", "새 연결이 많아 이 연결이 종료되었습니다.")
            }
            Self::MailTokenInvalid => locale.pick(
                "This link is not valid any more. Please ask for a new one.",
                "더 이상 유효하지 않은 링크입니다. 새 링크를 요청해 주세요.",
            ),
            Self::MailOff => locale.pick("This server sends no mail.", "이 서버는 메일을 보내지 않습니다."),
            Self::DeviceNotFound => locale.pick("The device was not found.", "기기를 찾을 수 없습니다."),
            Self::PushOff => {
                locale.pick("This server sends no such notifications.", "이 서버는 이러한 알림을 보내지 않습니다.")
            }
            Self::UploadNotFound => locale.pick("The upload was not found.", "업로드를 찾을 수 없습니다."),
            Self::UploadIncomplete => {
                locale.pick("The file has not arrived whole yet.", "파일이 아직 모두 업로드되지 않았습니다.")
            }
            Self::UploadArrived => locale.pick("The file has arrived already.", "파일이 이미 업로드되었습니다."),
            Self::UploadNotReady => locale.pick("The file is still being checked.", "파일을 아직 확인하고 있습니다."),
            Self::UploadTaken => locale.pick("The upload is in use already.", "이미 사용 중인 업로드입니다."),
            Self::QuotaExceeded => locale.pick(
                "You have as many open uploads, or stored files, as possible.",
                "업로드 개수 또는 저장 용량이 한도에 도달했습니다.",
            ),
            Self::RateLimited => locale
                .pick("Too many requests. Please wait a moment.", "요청이 너무 많습니다. 잠시 후 다시 시도해 주세요."),
            Self::Unavailable => locale.pick("Please try again in a moment.", "잠시 후 다시 시도해 주세요."),
            Self::Internal => locale.pick("Something went wrong on our side.", "서버에 문제가 발생했습니다."),
        }
    }
}

/// A field of the request that was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// The path of the field, such as `email` or `cursors`; `$` is the whole. It holds names of the contract and positions alone.
    pub field: Cow<'static, str>,
    /// Why.
    pub reason: Invalid,
}

/// A refusal or a failure. The door answers it with a problem or an error frame.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.code.as_str())]
pub struct Fault {
    /// The code that clients see.
    pub code: Code,
    /// The refused fields, with `Code::InvalidFields`.
    pub fields: Vec<FieldFault>,
    /// The cause, for the log only.
    pub source: Option<Box<dyn Error + Send + Sync>>,
    /// The time after which the same request may succeed, if waiting helps.
    pub retry_after: Option<Duration>,
}

/// Of the whole process, since a fault that names no other consequence may end in a log.
static ARE_CREDENTIALS_STALE: AtomicBool = AtomicBool::new(false);

/// Whether a store has refused the credentials of this process.
pub fn are_credentials_stale() -> bool {
    ARE_CREDENTIALS_STALE.load(Ordering::Relaxed)
}

/// The `Retry-After` while a store is away.
const AWAY: Duration = Duration::from_secs(2);

impl Fault {
    /// A refusal of one field.
    pub fn field(field: impl Into<Cow<'static, str>>, reason: Invalid) -> Self {
        let fields = vec![FieldFault { field: field.into(), reason }];
        Self { fields, ..Code::InvalidFields.into() }
    }

    /// A store is away; the cause goes to the log.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(cause.into()), ..Code::Unavailable.into() }
    }

    /// A store refuses the credentials of this process: they were changed since it read them. It ends after the answer.
    pub fn stale_credentials(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        ARE_CREDENTIALS_STALE.store(true, Ordering::Relaxed);
        Self::unavailable(cause)
    }

    /// An internal fault; the cause goes to the log.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(cause.into()), ..Code::Internal.into() }
    }

    /// Too many requests; the next one is accepted after `retry_after`.
    pub fn rate_limited(retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Code::RateLimited.into() }
    }
}

impl From<Code> for Fault {
    fn from(code: Code) -> Self {
        let retry_after = (code == Code::Unavailable).then_some(AWAY);
        Self { code, fields: Vec::new(), source: None, retry_after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator as _;

    #[test]
    fn code_serializes_as_its_word() {
        for code in Code::iter() {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }

    #[test]
    fn every_code_has_a_text_in_both_languages() {
        for code in Code::iter() {
            assert!(code.text(Locale::Ko).chars().any(|c| ('가'..='힣').contains(&c)), "{code:?}");
            assert!(code.text(Locale::En).is_ascii(), "{code:?}");
        }
    }
}
