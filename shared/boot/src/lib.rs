#![doc = include_str!("../README.md")]

mod checks;
mod cost;
mod ending;
mod files;
mod https;
mod limits;
mod metrics;
mod notifications;
mod push;
mod secrets;
mod settings;
mod source;
mod start;
mod store_url;
mod telemetry;
mod values;

pub use cost::Cost;
pub use ending::{EndWhenStale, Ending};
pub use files::{EdgeSettings, FileSettings, MediaLimits};
pub use https::put;
pub use limits::Limits;
pub use push::{ProviderUrls, PushSettings};
pub use settings::{MailSettings, Queues, Settings, SettingsError, Signing, read};
pub use source::{clock, random};
pub use start::{BoxError, time_left, warm_up};
pub use telemetry::telemetry;
pub use values::{Values, values};
