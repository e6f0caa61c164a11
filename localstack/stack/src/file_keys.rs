//! The key pair of links to files.

use anyhow::{Result, anyhow};
use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// A key pair on P-256, as `openssl` would make it.
pub struct FileKeys {
    /// `FILES_KEY`.
    pub private: String,
    /// The parameter `FilesPublicKey`.
    pub public: String,
}

impl FileKeys {
    /// A new pair.
    pub fn generate() -> Result<Self> {
        let failed = |error| anyhow!("a key pair could not be made: {error}");
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(failed)?;
        let private = STANDARD.encode(pair.to_pkcs8v1().map_err(failed)?);
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(failed)?;
        Ok(Self {
            private: format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines(&private, "\n")),
            public: lines(&STANDARD.encode(public.as_ref()), ","),
        })
    }
}

impl std::fmt::Debug for FileKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("FileKeys").field("public", &self.public).finish_non_exhaustive()
    }
}

/// Lines of 64 characters, as a PEM file has them.
fn lines(text: &str, end: &str) -> String {
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    lines.join(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_form_that_settings_and_parameters_take() {
        let keys = FileKeys::generate().expect("a pair");

        let (first, second) = keys.public.split_once(',').expect("two lines");
        assert!(first.starts_with("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE") && second.ends_with("=="), "{}", keys.public);
        assert_eq!((first.len(), second.len()), (64, 60));
        let settings =
            [("FILES_URL", "http://127.0.0.1:1"), ("FILES_KEY", &keys.private), ("FILES_KEY_ID", "FilesKey")];
        let others = [
            ("S3_URL", "http://127.0.0.1:2"),
            ("UPLOADS_BUCKET", "uploads"),
            ("FILES_BUCKET", "files"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "key"),
        ];
        let variables = settings.into_iter().chain(others).map(|(name, value)| (name.to_owned(), value.to_owned()));
        let files = boot::Settings::without_secrets(variables.collect()).files().expect("a key that is taken");
        assert!(files.edge.is_some());
        assert!(!format!("{keys:?}").contains("PRIVATE"));
    }
}
