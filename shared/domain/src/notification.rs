//! What people are notified of while they are away: their settings, their devices, and the decision about one message.

mod answers;
mod decide;
mod device;
mod quiet;
mod settings;
mod time_zone;
mod unread;

pub use answers::Answers;
pub use decide::{CLEAR_AFTER, Decision, DropReason, Recipient, TOLD_WITHIN, decide};
pub use device::{Address, Device, Installation, MOST_DEVICES, Platform, PushHost, Subscription};
pub use quiet::{Days, QuietHours, TimeOfDay};
pub use settings::{LARGE_ROOM, Level, NotificationSettings, Preview, RoomSettings};
pub use time_zone::TimeZone;
pub use unread::UnreadTotal;
