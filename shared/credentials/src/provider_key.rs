use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    encoding::{AsDer, Pkcs8V1Der},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use std::fmt;

/// A private key whose public half another service knows: signs the tokens that this product shows that service.
#[derive(Clone)]
pub struct ProviderKey {
    header: Header,
    key: EncodingKey,
}

/// The key is none of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no such key")]
pub struct BadProviderKey;

impl ProviderKey {
    /// An RSA key as PEM of PKCS#8, which signs RS256. The service finds it by its `id`.
    pub fn rs256(pem: &str, id: Option<&str>) -> Result<Self, BadProviderKey> {
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| BadProviderKey)?;
        Self::new(Algorithm::RS256, key, id)
    }

    /// A key on P-256 as PEM of PKCS#8, which signs ES256.
    pub fn es256(pem: &str, id: Option<&str>) -> Result<Self, BadProviderKey> {
        let key = EncodingKey::from_ec_pem(pem.as_bytes()).map_err(|_| BadProviderKey)?;
        Self::new(Algorithm::ES256, key, id)
    }

    /// A key on P-256 as its 32 bytes, which signs ES256.
    pub fn es256_of_bytes(bytes: &[u8]) -> Result<Self, BadProviderKey> {
        let key = PrivateKey::from_private_key(&ECDH_P256, bytes).map_err(|_| BadProviderKey)?;
        let der: Pkcs8V1Der<'_> = key.as_der().map_err(|_| BadProviderKey)?;
        Self::new(Algorithm::ES256, EncodingKey::from_ec_der(der.as_ref()), None)
    }

    fn new(algorithm: Algorithm, key: EncodingKey, id: Option<&str>) -> Result<Self, BadProviderKey> {
        let key = Self { header: Header { kid: id.map(str::to_owned), ..Header::new(algorithm) }, key };
        // What is no key of this kind shows when it signs.
        key.sign(&()).map(|_| key)
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, BadProviderKey> {
        jsonwebtoken::encode(&self.header, claims, &self.key).map_err(|_| BadProviderKey)
    }
}

impl fmt::Debug for ProviderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::{
        encoding::AsBigEndian,
        rsa::KeySize,
        signature::{
            ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
            RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
        },
    };
    use base64::{
        Engine as _,
        engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
    };
    use serde_json::{Value, json};

    fn pem(der: &[u8]) -> String {
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
    }

    /// The header and what was signed with the signature.
    fn parts(token: &str) -> (Value, Vec<u8>, Vec<u8>) {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let header = URL_SAFE_NO_PAD.decode(signed.split('.').next().unwrap()).unwrap();
        let header = serde_json::from_slice(&header).unwrap();
        (header, signed.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(signature).unwrap())
    }

    #[test]
    fn rsa_key_signs_rs256() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();

        let token = ProviderKey::rs256(&pem(der.as_ref()), Some("key-1")).unwrap().sign(&json!({"iss": "us"})).unwrap();

        let (header, signed, signature) = parts(&token);
        assert_eq!(header, json!({"typ": "JWT", "alg": "RS256", "kid": "key-1"}));
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
        public.verify(&signed, &signature).unwrap();
    }

    #[test]
    fn key_on_p256_signs_es256_in_both_forms() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref().to_vec());
        let private = pair.private_key();
        let bytes = private.as_be_bytes().unwrap();
        let keys = [
            ProviderKey::es256(&pem(pair.to_pkcs8v1().unwrap().as_ref()), Some("key-1")),
            ProviderKey::es256_of_bytes(bytes.as_ref()),
        ];

        for key in keys {
            let (header, signed, signature) = parts(&key.unwrap().sign(&json!({"iss": "us"})).unwrap());
            assert_eq!(header["alg"], "ES256");
            public.verify(&signed, &signature).unwrap();
        }
    }

    #[test]
    fn wrong_keys_are_refused_and_none_is_shown() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let elliptic = pem(pair.to_pkcs8v1().unwrap().as_ref());

        assert!(ProviderKey::rs256(&elliptic, None).is_err());
        assert!(ProviderKey::es256("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", None).is_err());
        assert!(ProviderKey::es256_of_bytes(&[7; 31]).is_err() && ProviderKey::es256_of_bytes(&[0xff; 32]).is_err());
        assert_eq!(format!("{:?}", ProviderKey::es256(&elliptic, None).unwrap()), "ProviderKey(..)");
    }
}
