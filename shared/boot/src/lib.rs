#![doc = include_str!("../README.md")]

mod checks;
mod secrets;
mod settings;
mod source;
mod telemetry;

pub use settings::{AwsCredentials, Settings, SettingsError, Signing};
pub use source::{clock, random};
pub use telemetry::telemetry;
