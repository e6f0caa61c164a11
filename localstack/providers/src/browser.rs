//! Browsers and their push service.

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    error::Unspecified,
    hkdf::{HKDF_SHA256, KeyType, Salt},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderMap;
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::{
    jwt::{self, Algorithm},
    refusal::{Answer, answer},
};

/// The largest encrypted message.
const LARGEST: usize = 4_096;

/// How far ahead a VAPID token may end, in seconds.
const LIFE: i64 = 24 * 3_600;

/// A browser that has subscribed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Browser {
    /// Where it is told.
    pub endpoint: String,
    /// Its keys, in base64url.
    pub keys: BrowserKeys,
    /// The name of the subscription in records and faults.
    #[serde(skip)]
    pub id: String,
}

/// What a browser gives for its subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrowserKeys {
    /// The public key.
    pub p256dh: String,
    /// The shared secret.
    pub auth: String,
}

/// What only the browser has.
#[derive(Debug)]
pub(crate) struct Secrets {
    key: PrivateKey,
    public: Vec<u8>,
    auth: [u8; 16],
}

impl Secrets {
    /// A new browser, told at this address.
    pub(crate) fn subscribe(id: &str, url: &str) -> Result<(Browser, Self), Unspecified> {
        let (key, auth) = (PrivateKey::generate(&ECDH_P256)?, rand::random());
        let secrets = Self { public: key.compute_public_key()?.as_ref().to_vec(), key, auth };
        Ok((secrets.browser(id, url), secrets))
    }

    fn browser(&self, id: &str, url: &str) -> Browser {
        let keys =
            BrowserKeys { p256dh: URL_SAFE_NO_PAD.encode(&self.public), auth: URL_SAFE_NO_PAD.encode(self.auth) };
        Browser { endpoint: format!("{url}/webpush/{id}"), keys, id: id.to_owned() }
    }

    /// RFC 8291, section 3.4, and RFC 8188, section 2, of one record.
    pub(crate) fn decrypt(&self, body: &[u8]) -> Option<Vec<u8>> {
        let (salt, rest) = body.split_at_checked(16)?;
        let (size, rest) = rest.split_at_checked(4)?;
        let (length, rest) = rest.split_first()?;
        let (sender, record) = rest.split_at_checked(usize::from(*length))?;
        let size = usize::try_from(u32::from_be_bytes(size.try_into().ok()?)).ok()?;
        if record.len() > size {
            return None;
        }
        let info = [&b"WebPush: info\0"[..], &self.public, sender];
        let mut message = record.to_vec();
        let padded = agree(&self.key, UnparsedPublicKey::new(&ECDH_P256, sender), Unspecified, |shared| {
            let combined: [u8; 32] = expand(&self.auth, shared, &info)?;
            let key: [u8; 16] = expand(salt, &combined, &[b"Content-Encoding: aes128gcm\0"])?;
            let nonce: [u8; 12] = expand(salt, &combined, &[b"Content-Encoding: nonce\0"])?;
            let cipher = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?);
            cipher
                .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut message)
                .map(|text| text.to_vec())
        });
        let padded = padded.ok()?;
        let end = padded.iter().rposition(|byte| *byte != 0)?;
        (padded[end] == 2).then(|| padded[..end].to_vec())
    }
}

fn expand<const N: usize>(salt: &[u8], secret: &[u8], info: &[&[u8]]) -> Result<[u8; N], Unspecified> {
    struct Length(usize);
    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut expanded = [0; N];
    Salt::new(HKDF_SHA256, salt).extract(secret).expand(info, Length(N))?.fill(&mut expanded)?;
    Ok(expanded)
}

/// Takes a message for a browser or refuses it, with what the browser reads.
pub(crate) fn send(
    browser: Option<&Secrets>,
    headers: &HeaderMap,
    body: &[u8],
    url: &str,
    key: &[u8],
    now: i64,
) -> (Answer, Json) {
    let refused = |status, why: &str| (answer(status, &json!({ "message": why })), Json::Null);
    let Some(browser) = browser else { return refused(404, "no such subscription") };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some((token, public)) = text("authorization").strip_prefix("vapid t=").and_then(|rest| rest.split_once(", k="))
    else {
        return refused(401, "no VAPID");
    };
    if URL_SAFE_NO_PAD.decode(public).ok().as_deref() != Some(key) {
        return refused(403, "another key than the subscription's");
    }
    let Some((_, claims)) = jwt::verified(token, Algorithm::Es256, key) else { return refused(403, "wrong signature") };
    let ends = claims["exp"].as_i64().unwrap_or(0);
    let is_contact =
        claims["sub"].as_str().is_some_and(|sub| sub.starts_with("mailto:") || sub.starts_with("https://"));
    if claims["aud"] != url || ends <= now || ends > now + LIFE || !is_contact {
        return refused(403, "wrong claims");
    }
    if text("ttl").parse::<u32>().is_err() {
        return refused(400, "no TTL");
    }
    if !["very-low", "low", "normal", "high", ""].contains(&text("urgency")) {
        return refused(400, "no such urgency");
    }
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if text("topic").len() > 32 || !text("topic").bytes().all(is_letter) {
        return refused(400, "no topic");
    }
    if text("content-encoding") != "aes128gcm" {
        return refused(400, "another encoding than aes128gcm");
    }
    if body.len() > LARGEST {
        return refused(413, "too large");
    }
    match browser.decrypt(body).and_then(|text| serde_json::from_slice(&text).ok()) {
        Some(message) => (answer(201, &Json::Null), message),
        None => refused(400, "no browser could read it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    #[test]
    fn example_of_rfc_8291_is_read() {
        let key =
            PrivateKey::from_private_key(&ECDH_P256, &decoded("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")).unwrap();
        let public = key.compute_public_key().unwrap().as_ref().to_vec();
        let browser = Secrets { key, public, auth: decoded("BTBZMqHH6r4Tts7J_aSIgg").try_into().unwrap() };
        let mut message = decoded(
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w\
             EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
        );

        assert_eq!(browser.decrypt(&message).as_deref(), Some(&b"When I grow up, I want to be a watermelon"[..]));
        *message.last_mut().unwrap() ^= 1;
        assert_eq!(browser.decrypt(&message), None);
        for length in 0..message.len() {
            assert_eq!(browser.decrypt(&message[..length]), None);
        }
    }
}
