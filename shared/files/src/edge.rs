use base64::{Engine as _, engine::general_purpose::STANDARD};
use boot::EdgeSettings;
use domain::{Fault, Timestamp};
use p256::ecdsa::{DerSignature, SigningKey, signature::Signer as _};
use std::{fmt, time::Duration};

/// How long the same file has the same link, so that browsers find it in their cache.
const STEP: Duration = Duration::from_mins(5);

/// `CloudFront` in front of `FilesBucket`: it serves whoever has a link that our key has signed.
#[derive(Clone)]
pub(crate) struct Edge {
    url: String,
    key_id: String,
    /// None if it is no key on the curve, which a setting never is.
    key: Option<SigningKey>,
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Edge {
    pub(crate) fn new(settings: &EdgeSettings) -> Self {
        let EdgeSettings { url, key_id, key } = settings.clone();
        Self { url, key_id, key: SigningKey::from_slice(&key).ok() }
    }

    /// Where an object can be read, and until when.
    ///
    /// The signature is that of RFC 6979, which is the same for the same text in every environment. AWS-LC makes a new one each time.
    pub(crate) fn link(&self, key: &str, lifetime: Duration, now: Timestamp) -> Result<(String, Timestamp), Fault> {
        let signer = self.key.as_ref().ok_or_else(|| Fault::internal("FILES_KEY signs nothing"))?;
        let expires = now.floor_to(STEP).plus(lifetime).seconds();
        let resource = format!("{}/{key}", self.url);
        // CloudFront puts the same text together, so each character counts.
        let policy = format!(
            r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}"#
        );
        let signature: DerSignature = signer.sign(policy.as_bytes());
        let signature = STANDARD.encode(signature).replace('+', "-").replace('=', "_").replace('/', "~");
        let Self { key_id, .. } = self;
        let url =
            format!("{resource}?Expires={expires}&Signature={signature}&Key-Pair-Id={key_id}&Hash-Algorithm=SHA256");
        Ok((url, Timestamp::from_millis(expires * 1_000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_012_345);
    const LIFE: Duration = Duration::from_mins(10);

    /// The key pair of RFC 6979, appendix A.2.5.
    const PRIVATE: &str = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
    const PUBLIC: &str = "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6\
                          7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";

    fn edge() -> Edge {
        let key = hex::decode(PRIVATE).unwrap().try_into().unwrap();
        let (url, key_id) = ("https://files.example".to_owned(), "K2JCJMDEHXQW5F".to_owned());
        Edge::new(&EdgeSettings { url, key_id, key })
    }

    fn link(edge: &Edge, key: &str, now: Timestamp) -> (String, Timestamp) {
        edge.link(key, LIFE, now).unwrap()
    }

    fn parameter<'a>(url: &'a str, name: &str) -> &'a str {
        let pairs = url.split_once('?').unwrap().1.split('&').map(|pair| pair.split_once('=').unwrap());
        pairs.clone().find(|(key, _)| *key == name).unwrap_or_else(|| panic!("{name} in {url}")).1
    }

    /// Whether the signature of a link is that of this policy.
    fn signs(url: &str, policy: &str) -> bool {
        let signature = parameter(url, "Signature").replace('-', "+").replace('_', "=").replace('~', "/");
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, hex::decode(PUBLIC).unwrap());
        public.verify(policy.as_bytes(), &STANDARD.decode(signature).unwrap()).is_ok()
    }

    #[test]
    fn link_is_what_another_implementation_of_rfc_6979_makes() {
        let (url, expires_at) = link(&edge(), "abab/small", NOW);

        assert_eq!(
            url,
            "https://files.example/abab/small?Expires=1790000400\
             &Signature=MEUCIQCGO9NfZbjIk-8M50p2ZC9eDhFk48AUnnOa7eVZXc-keQIgU1r3CEvZYrtd~ekeDqHhr4TJrBX1hp1fBsWbNhTZn6Y_\
             &Key-Pair-Id=K2JCJMDEHXQW5F&Hash-Algorithm=SHA256"
        );
        assert_eq!(expires_at, Timestamp::from_millis(1_790_000_400_000));
    }

    #[test]
    fn public_key_verifies_the_policy_of_this_file_and_end_alone() {
        let (url, _) = link(&edge(), "abab/small", NOW);
        let policy = |resource: &str, end: u32| {
            format!(
                r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{end}}}}}}}]}}"#
            )
        };

        assert!(signs(&url, &policy("https://files.example/abab/small", 1_790_000_400)));
        assert!(!signs(&url, &policy("https://files.example/abab/original", 1_790_000_400)));
        assert!(!signs(&url, &policy("https://files.example/abab/small", 1_790_000_401)));
    }

    #[test]
    fn link_stays_the_same_for_five_minutes_and_ends_within_its_lifetime() {
        let edge = edge();
        let begin = Timestamp::from_millis(1_789_999_800_000);
        let at = |after: Duration| link(&edge, "abab/small", begin.plus(after));

        let first = at(Duration::ZERO);
        assert_eq!(first.1, begin.plus(LIFE));
        assert_eq!(at(Duration::from_millis(299_999)), first);
        assert_eq!(at(STEP).1, begin.plus(STEP + LIFE));
        assert_ne!(at(STEP).0, first.0);
        assert_eq!(link(&self::edge(), "abab/small", begin), first, "in every environment");
    }

    #[test]
    fn end_is_a_whole_second_as_told() {
        let (url, expires_at) = edge().link("abab/original", Duration::from_millis(630_999), NOW).unwrap();
        assert_eq!((parameter(&url, "Expires"), expires_at.millis()), ("1790000430", 1_790_000_430_000));
    }

    #[test]
    fn key_is_kept_from_logs() {
        assert_eq!(format!("{:?}", edge()), r#"Edge { url: "https://files.example", .. }"#);
    }
}
