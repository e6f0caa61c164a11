#![doc = include_str!("../README.md")]

mod deliver;
mod frame;
mod management;
mod view;

pub use deliver::{Delivery, INLINE_TIME, Push, PushError, deliver};
pub use frame::{Acknowledged, ErrorBody, FieldError, Frame, FramePayload, Ready, SyncPage, Tag};
pub use management::{AwsCredentials, ManagementApi};
pub use view::{MessageView, ReactionView};
