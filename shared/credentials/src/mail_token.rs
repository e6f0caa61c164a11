use crate::{
    hash_hex,
    key::{Purpose, Signatures},
};
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{MailKind, Random};
use std::fmt;

const BYTES: usize = 32;

/// Makes the tokens that go out in mails.
#[derive(Clone, Debug)]
pub struct MailTokens(Signatures);

/// Shows that somebody reads the mail of an address: 256 bits, 43 characters of base64url.
#[derive(Clone, PartialEq, Eq)]
pub struct MailToken([u8; BYTES]);

impl MailTokens {
    /// Makes tokens with a key of `secret`, and finds those that one of `second` made.
    pub fn new(secret: &str, second: Option<&str>) -> Self {
        Self(Signatures::new(Purpose::MailTokens, secret, second))
    }

    /// A token that nobody has had, after the seed that a store keeps of it: 64 hex digits, from which nobody without the key
    /// makes the token.
    pub fn issue(&self, kind: MailKind, random: Random) -> (String, MailToken) {
        let seed = hex::encode(random.bytes::<BYTES>());
        let token = MailToken::of(&self.0.sign(&signed(kind, &seed)));
        (seed, token)
    }

    /// The token of a seed once more, by whichever key made the one that has this hash; `None` if neither did.
    pub fn find(&self, kind: MailKind, seed: &str, hash: &str) -> Option<MailToken> {
        let signed = signed(kind, seed);
        self.0.sign_with_each(&signed).map(|tag| MailToken::of(&tag)).find(|token| token.hash() == hash)
    }
}

impl MailToken {
    fn of(tag: &hmac::Tag) -> Self {
        let mut token = [0; BYTES];
        token.copy_from_slice(tag.as_ref());
        Self(token)
    }

    /// Reads a token as a client presents it, in its one spelling; `None` for what is none.
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The text that goes into the mail.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The form at rest: its SHA-256, 64 hex digits.
    pub fn hash(&self) -> String {
        hash_hex(&self.0)
    }
}

impl fmt::Debug for MailToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailToken(..)")
    }
}

/// A token for one purpose is none for another.
fn signed(kind: MailKind, seed: &str) -> Vec<u8> {
    format!("{}.{seed}", kind.as_str()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";
    const OLD: &str = "fedcba9876543210fedcba9876543210";
    const RESET: MailKind = MailKind::ResetPassword;

    fn issue(key: &str) -> (String, MailToken) {
        MailTokens::new(key, None).issue(RESET, Random(|bytes| bytes.fill(7)))
    }

    #[test]
    fn a_token_reads_back_and_is_found_again_by_its_seed() {
        let (seed, token) = issue(KEY);

        assert_eq!((seed.len(), token.reveal().len(), token.hash().len()), (64, 43, 64));
        assert_eq!(MailToken::parse(&token.reveal()), Some(token.clone()));
        assert_eq!(MailTokens::new(KEY, None).find(RESET, &seed, &token.hash()), Some(token));
    }

    #[test]
    fn a_token_of_the_second_key_is_found_again() {
        let (seed, token) = issue(OLD);

        assert_eq!(MailTokens::new(KEY, Some(OLD)).find(RESET, &seed, &token.hash()), Some(token.clone()));
        assert_eq!(MailTokens::new(KEY, None).find(RESET, &seed, &token.hash()), None);
    }

    #[test]
    fn one_seed_makes_another_token_for_each_kind_and_key() {
        let (seed, token) = issue(KEY);

        assert_eq!(MailTokens::new(KEY, None).find(MailKind::VerifyEmail, &seed, &token.hash()), None);
        assert_ne!(issue(OLD).1, token);
        assert_ne!(token.reveal(), URL_SAFE_NO_PAD.encode(hex::decode(&seed).unwrap()));
    }

    #[test]
    fn a_token_does_not_show_itself() {
        assert_eq!(format!("{:?}", issue(KEY).1), "MailToken(..)");
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "[A-Za-z0-9_=+/-]{42,44}|\\PC{0,60}") {
            if let Some(token) = MailToken::parse(&text) { prop_assert_eq!(token.reveal(), text); }
        }
    }
}
