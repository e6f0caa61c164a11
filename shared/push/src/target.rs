use crate::{Endpoint, Hosts, Unencryptable, encryption};
use domain::{
    Random,
    notification::{self, Address, PushHost},
};
use std::fmt;

/// The longest token of FCM; those that it gives out have some 150 characters.
const LONGEST_FCM: usize = 1_024;

/// The longest token of APNs, whose length Apple leaves open; today it is 64 digits.
const LONGEST_APNS: usize = 200;

/// An address that its service can have given out. Like that, it is a secret: whoever has it can send to the device.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// An app with Firebase Cloud Messaging, by its registration token.
    Fcm(String),
    /// An app of Apple's, by its device token.
    Apns(String, PushHost),
    /// A browser.
    WebPush(Subscription),
}

/// What a browser gave for its push subscription.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    pub(crate) endpoint: Endpoint,
    /// The browser's public key, an uncompressed point.
    key: [u8; encryption::POINT],
    pub(crate) secret: [u8; encryption::SECRET],
}

/// What is wrong with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// The token has a form that the service gives to none.
    #[error("no token of this service")]
    Token,
    /// The endpoint is none of a service that the settings name.
    #[error("no endpoint of a known service")]
    Endpoint,
    /// One of the keys is none.
    #[error("no keys of a subscription")]
    Keys,
}

impl Target {
    /// Checks an address, when it is registered and each time that it is used: the hosts may have changed.
    pub fn of(address: &Address, hosts: &Hosts) -> Result<Self, BadTarget> {
        match address {
            Address::Fcm(token) if is_token(token, LONGEST_FCM, u8::is_ascii_graphic) => Ok(Self::Fcm(token.clone())),
            // It becomes part of a path, so it is digits and nothing else.
            Address::Apns(token, host) if is_token(token, LONGEST_APNS, u8::is_ascii_hexdigit) => {
                Ok(Self::Apns(token.to_ascii_lowercase(), *host))
            }
            Address::Fcm(_) | Address::Apns(..) => Err(BadTarget::Token),
            Address::Webpush(notification::Subscription { endpoint, p256dh, auth }) => {
                let endpoint = Endpoint::parse(endpoint, hosts).ok_or(BadTarget::Endpoint)?;
                let key = p256dh.as_slice().try_into().map_err(|_| BadTarget::Keys)?;
                let secret = auth.as_slice().try_into().map_err(|_| BadTarget::Keys)?;
                if encryption::is_point(&key) {
                    Ok(Self::WebPush(Subscription { endpoint, key, secret }))
                } else {
                    Err(BadTarget::Keys)
                }
            }
        }
    }
}

fn is_token(token: &str, longest: usize, is_part: impl Fn(&u8) -> bool) -> bool {
    (1..=longest).contains(&token.len()) && token.bytes().all(|byte| is_part(&byte))
}

impl Subscription {
    /// Encrypts a message that only this browser reads.
    pub fn encrypt(&self, message: &[u8], random: Random) -> Result<Vec<u8>, Unencryptable> {
        encryption::encrypt(message, &self.key, &self.secret, random)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fcm(_) => "Fcm(..)",
            Self::Apns(..) => "Apns(..)",
            Self::WebPush(_) => "WebPush(..)",
        })
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscription(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    /// Of RFC 8291, appendix A.
    const KEY: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
    const ENDPOINT: &str = "https://fcm.googleapis.com/fcm/send/secret";

    fn target(address: &Address) -> Result<Target, BadTarget> {
        Target::of(address, &Hosts::new(&["fcm.googleapis.com".to_owned()]))
    }

    fn webpush(endpoint: &str, key: &str, auth: &str) -> Result<Target, BadTarget> {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let (endpoint, p256dh, auth) = (endpoint.to_owned(), bytes(key), bytes(auth));
        target(&Address::Webpush(notification::Subscription { endpoint, p256dh, auth }))
    }

    #[test]
    fn subscription_has_a_known_endpoint_and_keys_on_the_curve() {
        assert!(webpush(ENDPOINT, KEY, AUTH).is_ok());
        assert_eq!(webpush("https://evil.example/", KEY, AUTH), Err(BadTarget::Endpoint));
        let off_the_curve = KEY.replace("iw4", "iw8");
        for (key, auth) in [("", AUTH), ("AAAA", AUTH), (off_the_curve.as_str(), AUTH), (KEY, ""), (KEY, "AAAA")] {
            assert_eq!(webpush(ENDPOINT, key, auth), Err(BadTarget::Keys), "{key} {auth}");
        }
    }

    #[test]
    fn tokens_have_the_form_that_their_service_gives_them() {
        let fcm = |token: &str| target(&Address::Fcm(token.to_owned()));
        assert!(fcm("cQx1:APA91b_-").is_ok());
        for token in ["", "a b", "a\n", &"a".repeat(LONGEST_FCM + 1)] {
            assert_eq!(fcm(token), Err(BadTarget::Token), "{token}");
        }
        let apns = |token: &str| target(&Address::Apns(token.to_owned(), PushHost::Production));
        assert_eq!(apns("00FF"), apns("00ff"));
        for token in ["", "../../3/device/00", "00ff?", "00%66", "00g0", &"0".repeat(LONGEST_APNS + 1)] {
            assert_eq!(apns(token), Err(BadTarget::Token), "{token}");
        }
    }

    #[test]
    fn target_does_not_show_itself() {
        let shown = format!("{:?}", webpush(ENDPOINT, KEY, AUTH).unwrap());
        assert_eq!(shown, "WebPush(..)");
    }
}
