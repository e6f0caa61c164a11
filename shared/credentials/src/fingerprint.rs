use crate::key::Purpose;
use aws_lc_rs::hmac;

/// Hashes what a request said, so that an honest retry is told from another request. Without the key nobody finds a short text
/// by trying.
#[derive(Clone, Debug)]
pub struct Fingerprints {
    newest: hmac::Key,
    previous: Option<hmac::Key>,
}

impl Fingerprints {
    /// Hashes with what is derived of `key`; hashes of `previous_key` still match.
    pub fn new(key: &str, previous_key: Option<&str>) -> Self {
        Self { newest: derive(key), previous: previous_key.map(derive) }
    }

    /// The hash of some parts, in this order.
    pub fn of(&self, parts: &[&[u8]]) -> Vec<u8> {
        sign(&self.newest, parts)
    }

    /// Whether a hash is of these parts.
    pub fn matches(&self, parts: &[&[u8]], hash: &[u8]) -> bool {
        self.of(parts) == hash || self.previous.as_ref().is_some_and(|key| sign(key, parts) == hash)
    }
}

fn derive(key: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &Purpose::Fingerprints.key(key))
}

fn sign(key: &hmac::Key, parts: &[&[u8]]) -> Vec<u8> {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        // Each with its length, so that no two lists of parts are one text.
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    context.sign().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::digest::{SHA256, digest};

    const KEY: &str = "0123456789abcdef0123456789abcdef";
    const OLD: &str = "fedcba9876543210fedcba9876543210";

    #[test]
    fn fingerprint_tells_requests_apart() {
        let fingerprints = Fingerprints::new(KEY, None);
        let hash = fingerprints.of(&[b"text", b"1234"]);

        assert!(fingerprints.matches(&[b"text", b"1234"], &hash));
        for other in [&[b"text".as_slice(), b"1235"], &[b"tex", b"t1234"], &[b"1234", b"text"]] {
            assert!(!fingerprints.matches(other, &hash));
        }
    }

    #[test]
    fn fingerprint_needs_the_key() {
        let hash = Fingerprints::new(KEY, None).of(&[b"1234"]);

        assert!(!Fingerprints::new(OLD, None).matches(&[b"1234"], &hash));
        assert_ne!(hash, digest(&SHA256, b"1234").as_ref());
    }

    #[test]
    fn fingerprints_of_the_previous_key_still_match() {
        let hash = Fingerprints::new(OLD, None).of(&[b"1234"]);

        assert!(Fingerprints::new(KEY, Some(OLD)).matches(&[b"1234"], &hash));
        assert!(!Fingerprints::new(KEY, None).matches(&[b"1234"], &hash));
    }
}
