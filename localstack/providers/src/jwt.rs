//! Signed tokens (RFC 7519), verified without the library that signs them.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value as Json;

/// How tokens are signed.
#[derive(Clone, Copy)]
pub(crate) enum Algorithm {
    Rs256,
    Es256,
}

/// Header and claims of a token that the owner of a key has signed.
pub(crate) fn verified(token: &str, algorithm: Algorithm, public: &[u8]) -> Option<(Json, Json)> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let (header, claims) = (decoded(header)?, decoded(claims)?);
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let (name, verified) = match algorithm {
        Algorithm::Rs256 => {
            ("RS256", UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public).verify(signed.as_bytes(), &signature))
        }
        Algorithm::Es256 => {
            ("ES256", UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public).verify(signed.as_bytes(), &signature))
        }
    };
    (header["alg"] == name && verified.is_ok()).then_some((header, claims))
}

fn decoded(part: &str) -> Option<Json> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
