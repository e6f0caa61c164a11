#![doc = include_str!("../README.md")]

mod code;
mod ids;
mod invalid;
mod locale;
mod message;
mod people;
mod room;
mod source;
mod timestamp;

pub use code::{Code, Fault, FieldFault};
pub use ids::{ConnectionId, IdError, MessageId, Rev, RoomId, RoomKey, RoomKind, Seq, SessionId, UserId};
pub use invalid::Invalid;
pub use locale::Locale;
pub use message::{ClientId, Content, Message, MessageDraft, MessageType};
pub use people::{DisplayName, Email, Password, Profile, User, Username};
pub use room::{Access, Member, PrivateRoom, Role};
pub use source::{Clock, Random};
pub use timestamp::Timestamp;
