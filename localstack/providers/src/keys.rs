//! The credentials that the stand-ins know.

use std::{fmt, fs, path::Path};

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, Pkcs8V1Der},
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

pub(crate) const PROJECT: &str = "local-project";
pub(crate) const CLIENT: &str = "push@local-project.iam.gserviceaccount.com";
pub(crate) const RSA_KEY: &str = "local-rsa-key";
pub(crate) const APNS_KEY: &str = "LOCALKEY01";
pub(crate) const TEAM: &str = "LOCALTEAM1";
pub(crate) const TOPIC: &str = "example.chat.local";
const CONTACT: &str = "mailto:push@chat.example";

/// A key pair for each service.
#[derive(Clone, Deserialize, Serialize)]
pub struct Keys {
    /// PKCS#8 of an RSA key, in base64.
    rsa: String,
    /// PKCS#8 of a key on P-256, in base64.
    apns: String,
    /// 32 bytes in base64url.
    vapid: String,
}

impl Keys {
    /// New keys.
    pub fn generate() -> Result<Self> {
        let broken = |_| anyhow!("no key could be made");
        let rsa: Pkcs8V1Der<'_> = RsaKeyPair::generate(KeySize::Rsa2048).map_err(broken)?.as_der().map_err(broken)?;
        let apns = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(broken)?;
        let apns = apns.to_pkcs8v1().map_err(broken)?;
        let vapid: EcPrivateKeyBin<'_> =
            PrivateKey::generate(&ECDH_P256).map_err(broken)?.as_be_bytes().map_err(broken)?;
        Ok(Self {
            rsa: STANDARD.encode(rsa.as_ref()),
            apns: STANDARD.encode(apns.as_ref()),
            vapid: URL_SAFE_NO_PAD.encode(vapid.as_ref()),
        })
    }

    /// The keys in a file, which are made if there is none.
    pub fn load_or_make(file: &Path) -> Result<Self> {
        if let Ok(text) = fs::read_to_string(file) {
            return serde_json::from_str(&text).with_context(|| format!("{} holds no keys", file.display()));
        }
        let keys = Self::generate()?;
        fs::write(file, serde_json::to_string_pretty(&keys)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok(keys)
    }

    /// The value of `PUSH_SECRET`.
    pub fn secret(&self) -> Json {
        json!({
            "fcm": {
                "project_id": PROJECT,
                "client_email": CLIENT,
                "private_key_id": RSA_KEY,
                "private_key": pem(&self.rsa),
            },
            "apns": {"key": pem(&self.apns), "key_id": APNS_KEY, "team_id": TEAM, "topic": TOPIC},
            "vapid": {"private_key": self.vapid, "subject": CONTACT},
        })
    }

    /// The public halves.
    pub(crate) fn public(&self) -> Result<PublicKeys> {
        let wrong = || anyhow!("no key");
        let rsa = RsaKeyPair::from_pkcs8(&STANDARD.decode(&self.rsa)?).map_err(|_| wrong())?;
        let apns = STANDARD.decode(&self.apns)?;
        let apns = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &apns).map_err(|_| wrong())?;
        let vapid = PrivateKey::from_private_key(&ECDH_P256, &URL_SAFE_NO_PAD.decode(&self.vapid)?);
        let vapid = vapid.map_err(|_| wrong())?.compute_public_key().map_err(|_| wrong())?;
        Ok(PublicKeys {
            rsa: rsa.public_key().as_ref().to_vec(),
            apns: apns.public_key().as_ref().to_vec(),
            vapid: vapid.as_ref().to_vec(),
        })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keys(..)")
    }
}

/// What the services know of the keys.
#[derive(Debug)]
pub(crate) struct PublicKeys {
    pub(crate) rsa: Vec<u8>,
    pub(crate) apns: Vec<u8>,
    pub(crate) vapid: Vec<u8>,
}

fn pem(der: &str) -> String {
    let lines: Vec<&str> = (0..der.len()).step_by(64).map(|at| &der[at..der.len().min(at + 64)]).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_for_a_file() {
        let folder = std::env::temp_dir().join(format!("providers-{:016x}", rand::random::<u64>()));
        fs::create_dir(&folder).unwrap();
        let file = folder.join("push-keys.json");

        let first = Keys::load_or_make(&file).unwrap();
        let again = Keys::load_or_make(&file).unwrap();

        assert_eq!(first.secret(), again.secret());
        assert!(first.public().is_ok());
        fs::remove_dir_all(folder).unwrap();
    }
}
