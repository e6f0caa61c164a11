use crate::{Settings, SettingsError, checks, values};
use domain::notification::Preview;
use std::fmt;

/// The push services of the browsers in use.
const BROWSERS: [&str; 5] = [
    "fcm.googleapis.com",
    "jmt17.google.com",
    "updates.push.services.mozilla.com",
    "web.push.apple.com",
    "notify.windows.com",
];

/// What notifications are sent with.
#[derive(Clone)]
pub struct PushSettings {
    /// `PUSH_SECRET`, the credentials at the push services, as JSON.
    pub secret: String,
    /// `APP_NAME`, which stands where a notification may not say more.
    pub app_name: String,
    /// `PUSH_PREVIEW`, the most that a notification shows.
    pub preview: Preview,
    /// `WEBPUSH_HOSTS`, where browsers may be told.
    pub webpush_hosts: Vec<String>,
    /// Where the services are, if not where they are on the internet.
    pub urls: ProviderUrls,
}

/// Other places of the push services than their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderUrls {
    /// `FCM_URL`.
    pub fcm: Option<String>,
    /// `GOOGLE_TOKEN_URL`.
    pub google_token: Option<String>,
    /// `APNS_URL`.
    pub apns: Option<String>,
    /// `APNS_SANDBOX_URL`.
    pub apns_sandbox: Option<String>,
}

impl Settings {
    /// What notifications are sent with; without `PUSH_SECRET` none is sent.
    pub fn push(&self) -> Result<Option<PushSettings>, SettingsError> {
        let Some(secret) = self.optional("PUSH_SECRET", |value| Ok(value.to_owned()))? else { return Ok(None) };
        let url = |name| self.optional(name, checks::provider_url);
        let (app_name, preview, webpush_hosts, fcm, google_token, apns, apns_sandbox) = values((
            self.optional("APP_NAME", checks::app_name),
            self.push_preview(),
            self.webpush_hosts(),
            url("FCM_URL"),
            url("GOOGLE_TOKEN_URL"),
            url("APNS_URL"),
            url("APNS_SANDBOX_URL"),
        ))?;
        let urls = ProviderUrls { fcm, google_token, apns, apns_sandbox };
        let app_name = app_name.unwrap_or_else(|| "BigTech Chat".to_owned());
        Ok(Some(PushSettings { secret, app_name, preview, webpush_hosts, urls }))
    }

    /// `PUSH_PREVIEW`, the most that a notification shows.
    pub fn push_preview(&self) -> Result<Preview, SettingsError> {
        Ok(self.optional("PUSH_PREVIEW", checks::preview)?.unwrap_or_default())
    }

    /// `WEBPUSH_HOSTS`, the hosts at or below which browsers may be told.
    pub fn webpush_hosts(&self) -> Result<Vec<String>, SettingsError> {
        let hosts = self.optional("WEBPUSH_HOSTS", checks::push_hosts)?;
        Ok(hosts.unwrap_or_else(|| BROWSERS.map(str::to_owned).to_vec()))
    }
}

impl fmt::Debug for PushSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushSettings").field("preview", &self.preview).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::without_secrets(pairs.collect())
    }

    #[test]
    fn nothing_is_pushed_without_a_secret() {
        assert!(settings(&[("PUSH_SECRET", ""), ("PUSH_PREVIEW", "all")]).push().unwrap().is_none());
    }

    #[test]
    fn push_settings_have_defaults_and_hide_the_secret() {
        let push = settings(&[("PUSH_SECRET", r#"{"vapid":"hush"}"#)]).push().unwrap().unwrap();

        assert_eq!((push.app_name.as_str(), push.preview), ("BigTech Chat", Preview::Full));
        assert_eq!((push.webpush_hosts.len(), &push.urls), (5, &ProviderUrls::default()));
        assert!(!format!("{push:?}").contains("hush"));
    }

    #[test]
    fn every_bad_push_setting_is_named() {
        let pairs = [("PUSH_SECRET", "{}"), ("PUSH_PREVIEW", "all"), ("WEBPUSH_HOSTS", "*"), ("FCM_URL", "http://a.b")];

        let error = settings(&pairs).push().unwrap_err().to_string();

        assert_eq!(
            error,
            "PUSH_PREVIEW must be full, sender or none; WEBPUSH_HOSTS must list hosts such as \
             updates.push.services.mozilla.com, in lower case; FCM_URL must begin with https://"
        );
    }
}
