use crate::hash_hex;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{IdError, Random};
use std::{fmt, str::FromStr};

/// Lets people join a group: 128 random bits, 22 characters of base64url.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteCode([u8; 16]);

impl InviteCode {
    /// A code that nobody has had.
    pub fn generate(random: Random) -> Self {
        Self(random.bytes())
    }

    /// The text that its maker gets, once.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The form at rest: its SHA-256, 64 hex digits. Nobody finds 128 random bits by trying.
    pub fn hash(&self) -> String {
        hash_hex(&self.0)
    }
}

impl FromStr for InviteCode {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(IdError)
    }
}

impl fmt::Debug for InviteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteCode(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_does_not_show_itself() {
        let code = InviteCode::generate(Random(|bytes| bytes.fill(7)));

        assert_eq!(
            (code.reveal().as_str(), format!("{code:?}")),
            ("BwcHBwcHBwcHBwcHBwcHBw", "InviteCode(..)".to_owned())
        );
        assert_eq!(code.hash().len(), 64);
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn code_reads_back(bytes: [u8; 16]) {
            let code = InviteCode(bytes);
            prop_assert_eq!(code.reveal().parse(), Ok(code));
        }

        #[test]
        fn code_has_one_spelling(text in "[A-Za-z0-9_=+/-]{21,24}|\\PC{0,30}") {
            if let Ok(code) = text.parse::<InviteCode>() { prop_assert_eq!(code.reveal(), text); }
        }
    }
}
