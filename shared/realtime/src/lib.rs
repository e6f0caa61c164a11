#![doc = include_str!("../README.md")]

mod deliver;
mod frame;
mod management;
mod view;

pub use deliver::{Delivery, INLINE_TIME, Push, PushError, deliver, hang_up};
pub use frame::{
    Acknowledged, ErrorBody, FieldError, Frame, FramePayload, FriendNews, ReadCursor, Ready, Receipt, SessionNews,
    SyncPage,
};
pub use management::ManagementApi;
pub use view::{FriendView, MessageView, ProfileView, QuoteView, ReactionView};
