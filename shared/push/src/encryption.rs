//! Message encryption for Web Push, RFC 8291, in the encoding `aes128gcm` of RFC 8188.

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    agreement::{ECDH_P256, ParsedPublicKey, PrivateKey, UnparsedPublicKey, agree},
    error::Unspecified,
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
};
use domain::Random;

/// The length of an uncompressed point on P-256.
pub(crate) const POINT: usize = 65;

/// The length of a subscription's secret.
pub(crate) const SECRET: usize = 16;

/// A message is one record of at most this size.
const RECORD: u32 = 4_096;

/// How often a key is drawn; one in 2^32 numbers is none.
const DRAWS: usize = 8;

/// The message could not be encrypted for this subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot be encrypted")]
pub struct Unencryptable;

/// Encrypts a message for the browser that has the private half of `key`.
pub(crate) fn encrypt(
    plaintext: &[u8],
    key: &[u8; POINT],
    secret: &[u8; SECRET],
    random: Random,
) -> Result<Vec<u8>, Unencryptable> {
    let own = draw_key(random).ok_or(Unencryptable)?;
    let public = own.compute_public_key().map_err(|_| Unencryptable)?;
    let salt = random.bytes::<16>();
    let (cipher, nonce) = agree(&own, UnparsedPublicKey::new(&ECDH_P256, key), Unspecified, |shared| {
        keys(shared, secret, key, public.as_ref(), &salt)
    })
    .map_err(|_| Unencryptable)?;
    // A record ends with 2 if it is the last one.
    let mut record = [plaintext, &[2]].concat();
    cipher.seal_in_place_append_tag(nonce, Aad::empty(), &mut record).map_err(|_| Unencryptable)?;
    let key_length = u8::try_from(public.as_ref().len()).map_err(|_| Unencryptable)?;
    Ok([&salt[..], &RECORD.to_be_bytes(), &[key_length], public.as_ref(), &record].concat())
}

/// Whether it is a point on P-256.
pub(crate) fn is_point(bytes: &[u8; POINT]) -> bool {
    ParsedPublicKey::try_from(UnparsedPublicKey::new(&ECDH_P256, bytes)).is_ok()
}

/// The public half of a key, an uncompressed point.
pub(crate) fn public_key(private: &[u8]) -> Option<Vec<u8>> {
    let key = PrivateKey::from_private_key(&ECDH_P256, private).ok()?;
    Some(key.compute_public_key().ok()?.as_ref().to_vec())
}

/// A key for one message.
fn draw_key(random: Random) -> Option<PrivateKey> {
    (0..DRAWS).find_map(|_| PrivateKey::from_private_key(&ECDH_P256, &random.bytes::<32>()).ok())
}

/// RFC 8291, 3.4.
fn keys(
    shared: &[u8],
    secret: &[u8],
    receiver: &[u8],
    sender: &[u8],
    salt: &[u8],
) -> Result<(LessSafeKey, Nonce), Unspecified> {
    let combined: [u8; 32] =
        derive(&Salt::new(HKDF_SHA256, secret).extract(shared), &[b"WebPush: info\0", receiver, sender])?;
    let message = Salt::new(HKDF_SHA256, salt).extract(&combined);
    let key: [u8; 16] = derive(&message, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: [u8; NONCE_LEN] = derive(&message, &[b"Content-Encoding: nonce\0"])?;
    Ok((LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?), Nonce::assume_unique_for_key(nonce)))
}

fn derive<const N: usize>(key: &Prk, info: &[&[u8]]) -> Result<[u8; N], Unspecified> {
    struct Length(usize);
    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut derived = [0; N];
    key.expand(info, Length(N))?.fill(&mut derived)?;
    Ok(derived)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    fn decoded<const N: usize>(text: &str) -> [u8; N] {
        URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap()
    }

    const RECEIVER: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";

    #[test]
    fn example_of_rfc_8291_is_encrypted_as_there() {
        let random = Random(|bytes| match bytes.len() {
            32 => bytes.copy_from_slice(&decoded::<32>("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")),
            _ => bytes.copy_from_slice(&decoded::<16>("DGv6ra1nlYgDCS1FRnbzlw")),
        });

        let encrypted = encrypt(
            b"When I grow up, I want to be a watermelon",
            &decoded(RECEIVER),
            &decoded("BTBZMqHH6r4Tts7J_aSIgg"),
            random,
        );

        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w\
                        EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(URL_SAFE_NO_PAD.encode(encrypted.unwrap()), expected);
    }

    #[test]
    fn number_that_is_no_key_is_drawn_again_and_not_for_ever() {
        assert_eq!(encrypt(b"a", &decoded(RECEIVER), &[7; 16], Random(|bytes| bytes.fill(0xff))), Err(Unencryptable));
    }

    #[test]
    fn points_off_the_curve_are_none() {
        let point = decoded(RECEIVER);
        assert!(is_point(&point));
        for wrong in [[0; POINT], [4; POINT], {
            let mut off = point;
            off[POINT - 1] ^= 1;
            off
        }] {
            assert!(!is_point(&wrong));
            assert_eq!(encrypt(b"a", &wrong, &[7; 16], Random(|bytes| bytes.fill(7))), Err(Unencryptable));
        }
    }
}
