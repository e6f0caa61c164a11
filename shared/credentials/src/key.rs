use aws_lc_rs::{
    hkdf::{HKDF_SHA512, KeyType, Salt},
    hmac,
};

/// Separates keys of this product from those that another one would derive from the same secret.
const SALT: &[u8] = b"bigtech-chat";

/// As much as the strongest signature takes.
const BYTES: usize = 64;

/// What a key is for. No key verifies what another one signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signing access tokens.
    AccessTokens,
    /// Signing refresh tokens.
    RefreshTokens,
    /// Signing tickets.
    Tickets,
    /// Hashing what requests said.
    Fingerprints,
    /// Making the tokens of mails.
    MailTokens,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::AccessTokens => b"access tokens",
            Self::RefreshTokens => b"refresh tokens",
            Self::Tickets => b"tickets",
            Self::Fingerprints => b"fingerprints",
            Self::MailTokens => b"mail tokens",
        }
    }

    /// The key for this purpose, by HKDF (RFC 5869) of a secret that is as hard to guess as a key.
    pub fn key(self, secret: &str) -> [u8; BYTES] {
        struct Length;
        impl KeyType for Length {
            fn len(&self) -> usize {
                BYTES
            }
        }
        let mut key = [0; BYTES];
        let extracted = Salt::new(HKDF_SHA512, SALT).extract(secret.as_bytes());
        if extracted.expand(&[self.label()], Length).and_then(|expanded| expanded.fill(&mut key)).is_err() {
            // It gives up to 16 KB. Without a key nothing may be signed.
            std::process::abort();
        }
        key
    }
}

/// Signs with one key, and verifies what either of two signed.
#[derive(Clone, Debug)]
pub(crate) struct Signatures {
    signer: hmac::Key,
    verifiers: Vec<hmac::Key>,
}

impl Signatures {
    pub(crate) fn new(purpose: Purpose, secret: &str, second: Option<&str>) -> Self {
        let key_of = |secret: &str| hmac::Key::new(hmac::HMAC_SHA256, &purpose.key(secret));
        let verifiers = [Some(secret), second].into_iter().flatten().map(key_of).collect();
        Self { signer: key_of(secret), verifiers }
    }

    /// 32 bytes.
    pub(crate) fn sign(&self, signed: &[u8]) -> hmac::Tag {
        hmac::sign(&self.signer, signed)
    }

    /// What each key signs, that of the first secret first.
    pub(crate) fn sign_with_each(&self, signed: &[u8]) -> impl Iterator<Item = hmac::Tag> {
        self.verifiers.iter().map(|key| hmac::sign(key, signed))
    }

    pub(crate) fn are_of(&self, signed: &[u8], tag: &[u8]) -> bool {
        self.verifiers.iter().any(|key| hmac::verify(key, signed, tag).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn each_purpose_has_its_own_key() {
        let all = [
            Purpose::AccessTokens,
            Purpose::RefreshTokens,
            Purpose::Tickets,
            Purpose::Fingerprints,
            Purpose::MailTokens,
        ];
        for purpose in all {
            for other in all {
                assert_eq!(purpose.key(SECRET) == other.key(SECRET), purpose == other);
            }
            assert_ne!(purpose.key(SECRET), purpose.key("fedcba9876543210fedcba9876543210"));
        }
    }

    #[test]
    fn derived_keys_are_stable() {
        // As Python's `hmac` computes it by the RFC.
        assert_eq!(Purpose::Tickets.key(SECRET)[..8], 0x1a2c_4ede_35b5_975c_u64.to_be_bytes());
    }
}
