#![doc = include_str!("../README.md")]

mod code;
mod fields;
mod ids;
mod invalid;
mod locale;
mod message;
mod page;
mod people;
mod reason;
mod room;
mod source;
mod timestamp;

pub use code::{Code, Fault, FieldFault};
pub use fields::{Fields, fields};
pub use ids::{ConnectionId, IdError, MessageId, Rev, RoomId, RoomKey, RoomKind, Seq, SessionId, UserId};
pub use invalid::Invalid;
pub use locale::Locale;
pub use message::{ClientId, Content, Message, MessageDraft, MessageType};
pub use page::PageSize;
pub use people::{DisplayName, Email, Password, Profile, User, Username};
pub use reason::{parse_json, refused};
pub use room::{Access, Member, PrivateRoom, Role};
pub use source::{Clock, Random};
pub use timestamp::Timestamp;
