use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use credentials::{BadProviderKey, ProviderKey};
use serde::Deserialize;

/// The credentials at the push services, each optional.
///
/// ```json
/// {
///   "fcm": {"project_id": "...", "client_email": "...", "private_key_id": "...", "private_key": "-----BEGIN PRIVATE KEY..."},
///   "apns": {"key": "-----BEGIN PRIVATE KEY...", "key_id": "...", "team_id": "...", "topic": "com.example.chat"},
///   "vapid": {"private_key": "32 bytes in base64url", "subject": "mailto:push@example.com"}
/// }
/// ```
///
/// `fcm` is the file of a service account as Google gives it.
#[derive(Debug, Clone)]
pub struct PushSecret {
    pub(crate) fcm: Option<FcmSecret>,
    pub(crate) apns: Option<ApnsSecret>,
    pub(crate) vapid: Option<VapidSecret>,
}

/// What is wrong with the secret, without a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("PUSH_SECRET {0}")]
pub struct BadSecret(&'static str);

#[derive(Debug, Clone)]
pub(crate) struct FcmSecret {
    pub(crate) project: String,
    pub(crate) email: String,
    pub(crate) key: ProviderKey,
}

#[derive(Debug, Clone)]
pub(crate) struct ApnsSecret {
    pub(crate) key: ProviderKey,
    pub(crate) key_id: String,
    pub(crate) team_id: String,
    pub(crate) topic: String,
}

#[derive(Debug, Clone)]
pub(crate) struct VapidSecret {
    pub(crate) key: ProviderKey,
    /// The public half in base64url, which browsers subscribe with.
    pub(crate) public: String,
    pub(crate) subject: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    fcm: Option<ServiceAccount>,
    apns: Option<Apns>,
    vapid: Option<Vapid>,
}

/// The file of a service account has more fields.
#[derive(Deserialize)]
struct ServiceAccount {
    project_id: String,
    client_email: String,
    private_key_id: Option<String>,
    private_key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Apns {
    key: String,
    key_id: String,
    team_id: String,
    topic: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vapid {
    private_key: String,
    subject: String,
}

impl PushSecret {
    /// Reads the secret, and every key in it.
    pub fn parse(json: &str) -> Result<Self, BadSecret> {
        // The words of the parser could quote the secret.
        let Document { fcm, apns, vapid } =
            serde_json::from_str(json).map_err(|_| BadSecret("must be JSON with fcm, apns and vapid"))?;
        Ok(Self {
            fcm: fcm.map(FcmSecret::of).transpose()?,
            apns: apns.map(ApnsSecret::of).transpose()?,
            vapid: vapid.map(VapidSecret::of).transpose()?,
        })
    }

    /// The public key that browsers subscribe with, in base64url.
    pub fn vapid_public_key(&self) -> Option<&str> {
        self.vapid.as_ref().map(|vapid| vapid.public.as_str())
    }
}

impl FcmSecret {
    fn of(account: ServiceAccount) -> Result<Self, BadSecret> {
        let ServiceAccount { project_id: project, client_email: email, private_key_id: id, private_key } = account;
        let key = ProviderKey::rs256(&private_key, id.as_deref())
            .map_err(|BadProviderKey| BadSecret("has no RSA key in fcm.private_key"))?;
        // It becomes part of a path.
        let is_project =
            !project.is_empty() && project.bytes().all(|b| b.is_ascii_alphanumeric() || b"-:.".contains(&b));
        if is_project { Ok(Self { project, email, key }) } else { Err(BadSecret("has no project in fcm.project_id")) }
    }
}

impl ApnsSecret {
    fn of(Apns { key, key_id, team_id, topic }: Apns) -> Result<Self, BadSecret> {
        let key = ProviderKey::es256(&key, Some(&key_id))
            .map_err(|BadProviderKey| BadSecret("has no key on P-256 in apns.key"))?;
        // It becomes a header.
        let is_topic = !topic.is_empty() && topic.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
        if is_topic {
            Ok(Self { key, key_id, team_id, topic })
        } else {
            Err(BadSecret("has no bundle id in apns.topic"))
        }
    }
}

impl VapidSecret {
    fn of(Vapid { private_key, subject }: Vapid) -> Result<Self, BadSecret> {
        let wrong = BadSecret("has no 32 bytes in base64url in vapid.private_key");
        let bytes = URL_SAFE_NO_PAD.decode(private_key.trim_end_matches('=')).map_err(|_| wrong)?;
        let key = ProviderKey::es256_of_bytes(&bytes).map_err(|BadProviderKey| wrong)?;
        let public = crate::encryption::public_key(&bytes).ok_or(wrong)?;
        let is_contact = subject.starts_with("mailto:") || subject.starts_with("https://");
        let public = URL_SAFE_NO_PAD.encode(public);
        if is_contact { Ok(Self { key, public, subject }) } else { Err(BadSecret("has no contact in vapid.subject")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> String {
        PushSecret::parse(json).unwrap_err().to_string()
    }

    #[test]
    fn each_service_is_optional() {
        let secret = PushSecret::parse("{}").unwrap();
        assert!(secret.fcm.is_none() && secret.apns.is_none() && secret.vapid_public_key().is_none());
    }

    #[test]
    fn public_key_of_vapid_is_computed() {
        // Of RFC 8291, appendix A.
        let secret = PushSecret::parse(
            r#"{"vapid": {"private_key": "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94", "subject": "mailto:a@b.example"}}"#,
        );
        let expected = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
        assert_eq!(secret.unwrap().vapid_public_key(), Some(expected));
    }

    #[test]
    fn bad_secret_is_told_by_its_field_and_not_shown() {
        assert_eq!(refusal("hush"), "PUSH_SECRET must be JSON with fcm, apns and vapid");
        assert_eq!(refusal(r#"{"gcm": "hush"}"#), "PUSH_SECRET must be JSON with fcm, apns and vapid");
        assert_eq!(
            refusal(r#"{"fcm": {"project_id": "p", "client_email": "e", "private_key": "hush"}}"#),
            "PUSH_SECRET has no RSA key in fcm.private_key"
        );
        assert_eq!(
            refusal(r#"{"apns": {"key": "hush", "key_id": "k", "team_id": "t", "topic": "a.b"}}"#),
            "PUSH_SECRET has no key on P-256 in apns.key"
        );
        assert_eq!(
            refusal(r#"{"vapid": {"private_key": "hush", "subject": "mailto:a@b.example"}}"#),
            "PUSH_SECRET has no 32 bytes in base64url in vapid.private_key"
        );
        assert_eq!(
            refusal(r#"{"vapid": {"private_key": "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94", "subject": "us"}}"#),
            "PUSH_SECRET has no contact in vapid.subject"
        );
    }
}
