#![doc = include_str!("../README.md")]

mod code;
mod deletion;
mod fields;
mod friendship;
pub mod group;
mod ids;
mod invalid;
mod korean;
mod limit;
mod locale;
mod log;
mod mail;
mod mention;
mod message;
pub mod message_search;
mod name_search;
pub mod notification;
mod page;
mod patch;
mod people;
mod privacy;
mod provider_token;
mod reaction;
mod reason;
mod room;
#[cfg(feature = "schema")]
mod schema;
mod session;
mod source;
mod text;
mod timestamp;
mod upload;
mod usage;
mod username;

pub use code::{Code, Fault, FieldFault, are_credentials_stale};
pub use deletion::DeletionStep;
pub use fields::{Fields, fields};
pub use friendship::{Asking, Friendship, FriendshipStatus, FriendshipWith, MOST_FRIENDS, News, Notice, Turn};
pub use group::{
    GroupAct, GroupDescription, GroupName, GroupRoom, Invite, MOST_ADDED, MOST_GROUPS, MOST_INVITES, MaxMembers,
    Membership, MembershipState, Removal, RoomEvent, RoomNews, RoomNotice, Step, System, SystemKind,
};
pub use ids::{
    Aggregate, ConnectionId, FriendshipId, IdError, InviteId, MessageId, Rev, RoomId, RoomKey, RoomKind, Seq,
    SessionId, UserId,
};
pub use invalid::Invalid;
pub use limit::{FREE_FAILURES, Limit, LimitError, pause_after_failures};
pub use locale::Locale;
pub use log::OrLog;
pub use mail::{MOST_MAIL_TRIES, MailKind, pause_after_mail_try};
pub use mention::{
    CHANNEL_COST, CHANNEL_LIMIT, Calls, MOST_MENTIONS, Mentions, MentionsAll, SMALL_GROUP, WideMentions,
};
pub use message::{ClientId, Content, Message, MessageDraft, MessageType, MessageVersion, Quote, QuotedAttachment};
pub use name_search::{NameKeyKind, NameQuery, name_keys};
pub use page::{Page, PageSize};
pub use patch::Patch;
pub use people::{DisplayName, Email, Password, Person, Profile, StatusMessage, TypedPassword, User};
pub use privacy::{PresenceVisibility, Privacy, PrivacyPatch, Seen, shown_last_seen};
pub use provider_token::ProviderToken;
pub use reaction::{Emoji, LatestChange, MOST_EMOJIS, MOST_PINS, MOST_REACTORS, Pin, Reaction, Reactor};
pub use reason::{parse_json, parse_json_seed, refused};
pub use room::{Access, Act, MOST_BLOCKS, Member, Participant, PrivateRoom, Rights, Role};
pub use session::{Attempt, Family, Refresh, Session};
pub use source::{Clock, Random};
pub use timestamp::Timestamp;
pub use upload::{
    Attach, Attachment, FileName, MOST_AT_ONCE, MOST_PART_LINKS, MalwareScan, Media, MediaType, PART_SIZE, Picture,
    Poster, Purpose, Rejection, ScanResult, Sha256, UNATTACHED_FOR, Upload, UploadDraft, UploadId, UploadKind,
    UploadLimits, UploadState, Variant, VariantName, part_size, parts_of,
};
pub use usage::{METRICS, Usage};
pub use username::Username;
