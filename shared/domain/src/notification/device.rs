use super::TimeZone;
use crate::{IdError, Locale, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use strum::{EnumString, IntoStaticStr};

/// How many devices of a person are notified: a new one takes the place of the one that was not seen for longest.
pub const MOST_DEVICES: usize = 20;

/// Who brings notifications to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Platform {
    /// Firebase Cloud Messaging.
    Fcm,
    /// Apple Push Notification service.
    Apns,
    /// Web Push (RFC 8030), which browsers have.
    Webpush,
}

impl Platform {
    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// For which of Apple's two services a token was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum PushHost {
    /// Apps of the App Store and `TestFlight`.
    #[default]
    Production,
    /// Apps that a developer's machine installed.
    Development,
}

impl PushHost {
    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One installation of an app on one device: a UUID that the app makes when it first starts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Installation(String);

impl Installation {
    /// The UUID in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Installation {
    type Err = IdError;

    /// Upper case is the same UUID, since iOS writes it so.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let is_uuid = text.len() == 36
            && text.bytes().enumerate().all(|(n, b)| match n {
                8 | 13 | 18 | 23 => b == b'-',
                _ => b.is_ascii_hexdigit(),
            });
        if is_uuid { Ok(Self(text.to_ascii_lowercase())) } else { Err(IdError) }
    }
}

impl fmt::Display for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Installation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Installation {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom("invalid type: not a UUID"))
    }
}

/// A Web Push subscription (RFC 8030, 8291).
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The URL of the browser's push service.
    pub endpoint: String,
    /// The public key of the browser: a point on P-256, uncompressed.
    pub p256dh: Vec<u8>,
    /// The secret that authenticates messages, 16 bytes.
    pub auth: Vec<u8>,
}

/// Where notifications of a device go.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// A token of Firebase.
    Fcm(String),
    /// A token of Apple's and the service that it is for.
    Apns(String, PushHost),
    /// A browser's subscription.
    Webpush(Subscription),
}

impl Address {
    /// By whom.
    pub const fn platform(&self) -> Platform {
        match self {
            Self::Fcm(_) => Platform::Fcm,
            Self::Apns(..) => Platform::Apns,
            Self::Webpush(_) => Platform::Webpush,
        }
    }

    /// What names the device for its platform: whoever knows it can be told apart from nobody else who does.
    pub fn token(&self) -> &str {
        match self {
            Self::Fcm(token) | Self::Apns(token, _) => token,
            Self::Webpush(subscription) => &subscription.endpoint,
        }
    }
}

impl fmt::Debug for Subscription {
    // Whoever has these can send to the device.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.platform()).finish()
    }
}

/// A device that shows a person's notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Whose.
    pub user: UserId,
    /// Which of theirs.
    pub installation: Installation,
    /// The login that registered it and that it ends with.
    pub session: SessionId,
    /// Where its notifications go.
    pub address: Address,
    /// The language of its notifications.
    pub locale: Locale,
    /// Where its quiet hours are.
    pub time_zone: Option<TimeZone>,
    /// The version of the app.
    pub app_version: Option<String>,
    /// When it first registered.
    pub created_at: Timestamp,
    /// When it last registered.
    pub seen_at: Timestamp,
    /// When a platform last took a notification for it.
    pub last_push_at: Option<Timestamp>,
    /// Why the last one failed, if it did.
    pub last_error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installation_is_a_uuid_in_lower_case() {
        let uuid = "5F0C9D1E-7A3B-4C2D-9E8F-0123456789AB";
        assert_eq!(uuid.parse::<Installation>().unwrap().as_str(), uuid.to_lowercase());
        for wrong in [
            "",
            "5f0c9d1e7a3b4c2d9e8f0123456789ab",
            "5f0c9d1e-7a3b-4c2d-9e8f-0123456789ag",
            "{5f0c9d1e-7a3b-4c2d-9e8f-0123456789ab}",
            "5f0c9d1e-7a3b-4c2d-9e8f-0123456789a한",
            "5f0c9d1e-7a3b-4c2d-9e8f0-123456789ab",
        ] {
            assert_eq!(wrong.parse::<Installation>(), Err(IdError), "{wrong}");
        }
    }

    #[test]
    fn no_address_shows_in_a_log() {
        let subscription =
            Subscription { endpoint: "canary".to_owned(), p256dh: b"canary".to_vec(), auth: b"canary".to_vec() };
        for address in [
            Address::Fcm("canary".to_owned()),
            Address::Apns("canary".to_owned(), PushHost::Production),
            Address::Webpush(subscription),
        ] {
            assert!(!format!("{address:?}").contains("canary"));
        }
    }
}
