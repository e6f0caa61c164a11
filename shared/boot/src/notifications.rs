use crate::{Settings, SettingsError, checks};
use domain::notification::Platform;

impl Settings {
    /// `PUSH_PLATFORMS`, separated by commas: which devices can be notified.
    pub fn push_platforms(&self) -> Result<Vec<Platform>, SettingsError> {
        Ok(self.optional("PUSH_PLATFORMS", checks::platforms)?.unwrap_or_default())
    }

    /// `VAPID_PUBLIC_KEY`, what browsers subscribe with: the public half of the key in `PUSH_SECRET`.
    pub fn vapid_public_key(&self) -> Result<Option<String>, SettingsError> {
        self.optional("VAPID_PUBLIC_KEY", checks::vapid_public_key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(name: &str, value: &str) -> Settings {
        Settings::without_secrets([(name.to_owned(), value.to_owned())].into())
    }

    #[test]
    fn no_device_can_be_notified_unless_its_platform_is_named() {
        let platforms = |value| settings("PUSH_PLATFORMS", value).push_platforms();
        assert_eq!(platforms(""), Ok(Vec::new()));
        assert_eq!(platforms("fcm, webpush"), Ok(vec![Platform::Fcm, Platform::Webpush]));
        assert_eq!(
            platforms("gcm").unwrap_err().to_string(),
            "PUSH_PLATFORMS must list fcm, apns and webpush, separated by commas"
        );
    }

    #[test]
    fn public_key_is_a_point_in_base64url() {
        let key = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
        let read = |value| settings("VAPID_PUBLIC_KEY", value).vapid_public_key();
        assert_eq!(read(key), Ok(Some(key.to_owned())));
        assert_eq!(read(""), Ok(None));
        for wrong in ["hush", &key.replace('_', "/"), &format!("{key}=")] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
