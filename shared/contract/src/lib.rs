#![doc = include_str!("../README.md")]

mod account;
mod asyncapi;
mod attachment;
mod block;
mod client_frame;
mod client_request;
mod export;
mod file_link;
mod frame;
mod friend;
mod group;
mod health;
mod listed;
mod message;
mod message_request;
mod message_search;
mod notification;
mod person;
mod problem;
mod reaction;
mod receipt;
mod room;
mod schemas;
mod session;
mod upload;
mod validate;

pub use account::{
    AccountChange, AccountDeletion, AccountView, EmailVerification, NewAccount, ParsedChange, PasswordChange,
    PasswordReset, PasswordResetRequest,
};
pub use asyncapi::asyncapi;
pub use attachment::{AttachmentView, NewAttachment, PosterView, QuotedAttachmentView};
pub use block::{BlockView, NewBlock};
pub use client_frame::{
    ClientFrame, DeleteFrame, DeliveredFrame, EditFrame, HelloFrame, MOST_PINGED, PingFrame, ReactFrame, ReadFrame,
    SendFrame, StateFrame, SyncFrame, TypingFrame,
};
pub use client_request::ClientRequest;
pub use export::{ExportItem, ExportedBlock, ExportedFriend, ExportedRequest, ExportedRoom};
pub use file_link::{FileLink, FileLinks, FilePlace, FileVariant, LinkedFile, NewLink, NewLinks};
pub use frame::{
    Ack, Acknowledged, CreatedMessage, DeliveryReceipt, Done, ErrorBody, Frame, FramePayload, FriendNews, GapsNews,
    HiddenMessage, MemberChanged, Missed, OnlineFriends, Packed, PersonPresence, Pong, PresenceChange, Ready, Receipt,
    RoomAdded, RoomRemoved, RoomUpdated, SessionNews, StateTaken, TypingNews,
};
pub use friend::{
    FriendRequest, FriendRequestDirection, FriendRequestsQuery, FriendView, FriendshipView, ListedFriend,
};
pub use group::{
    BanView, GroupRoomPatch, GroupRoomView, GroupRoomsQuery, GroupScope, InvitationView, InviteView, IssuedInvite,
    MemberView, MembersQuery, NewGroupRoom, NewInvite, NewMember, OwnerChange, ParsedGroup, ParsedGroupPatch,
    RoleChange,
};
pub use health::{HealthView, Reachability, ReadinessChecks, ReadinessStatus, ReadinessView, SchemaStatus};
pub use listed::{Listed, PageQuery, cursor_of, page};
pub use message::{
    ForwardedView, MessagePage, MessageVersionView, MessageView, QuoteView, ReadCursor, SyncPage, SystemText,
    SystemView, UnreadView,
};
pub use message_request::{ForwardTo, MessagePatch, MessagesQuery, NewMessage, PinsQuery, ReadUpTo, SyncQuery};
pub use message_search::{MessageHit, MessageHits, MessageSearch, MessageSearchQuery, SearchPosition, TextRange};
pub use notification::{
    DeviceView, NewDevice, NewNotificationSettings, NewQuietHours, NewRoomNotifications, NewSubscription,
    NotificationSettingsView, ParsedDevice, QuietHoursView, RoomNotificationsView, SubscriptionKeys, TestPush,
    UnreadTotalView, WebpushView,
};
pub use person::{NewPicture, ParticipantView, PersonView, PictureView, ProfileView, SearchQuery};
pub use problem::{FieldProblem, Problem};
pub use reaction::{NewReaction, ReactionQuery, ReactionView, ReactionsView, ReactorView, ReactorsQuery};
pub use receipt::{MessageReceiptsView, ReceiptView, ReceiptsQuery, ReceiptsView};
pub use room::{ChatRoomView, NewChatRoom};
pub use schemas::parameter_schemas;
pub use session::{GrantType, Login, PasswordGrant, RefreshGrant, SessionView, TicketView, Tokens};
pub use upload::{
    NewPart, NewParts, NewUpload, ParsedPart, PartRequest, PartRequests, PartsView, SignedRequest, UploadView,
};
pub use validate::{misfit, misfit_of_frame, misfit_of_received};
