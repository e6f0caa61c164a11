use crate::{Invalid, Locale, Timestamp, UserId};
use email_address::EmailAddress;
use std::fmt;
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// The form under which two spellings of a name are one: NFKC and case folding (Unicode 3.13, D145's `toNFKC_Casefold`
/// without the removal of ignorable characters, which names may not have).
pub(crate) fn fold(text: &str) -> String {
    caseless::default_case_fold_str(&text.nfkc().collect::<String>()).nfkc().collect()
}

/// An e-mail address, by the grammar of RFC 5321 as a library reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    const MAX: usize = 255;

    /// Accepts a trimmed address of at most 255 characters, and keeps it in NFC.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        let text: String = input.trim().nfc().collect();
        if text.is_empty() {
            return Err(Invalid::Blank);
        }
        if text.chars().count() > Self::MAX || fold(&text).chars().count() > Self::MAX {
            return Err(Invalid::TooLong);
        }
        let options = email_address::Options::default().without_display_text().without_domain_literal();
        EmailAddress::parse_with_options(&text, options).map_err(|_| Invalid::BadFormat)?;
        Ok(Self(text))
    }

    /// The address as its owner writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that is unique.
    pub fn fold(&self) -> String {
        fold(&self.0)
    }
}

/// A name that finds a person: unique whatever its case or width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    const MIN: usize = 2;
    const MAX: usize = 50;
    /// Compatibility characters fold to as many as 18; the unique key has room for this many.
    const MAX_FOLD: usize = 100;

    /// Accepts 2 to 50 letters and digits of any script and `_ . -`, and keeps them in NFC.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        let name: String = input.nfc().collect();
        match name.chars().count() {
            0 => return Err(Invalid::Blank),
            n if n < Self::MIN => return Err(Invalid::TooShort),
            n if n > Self::MAX => return Err(Invalid::TooLong),
            _ => {}
        }
        if !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-')) {
            return Err(Invalid::ForbiddenCharacter);
        }
        if fold(&name).chars().count() > Self::MAX_FOLD {
            return Err(Invalid::TooLong);
        }
        Ok(Self(name))
    }

    /// The name as its owner writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that is unique.
    pub fn fold(&self) -> String {
        fold(&self.0)
    }
}

/// The name that others see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    const MAX: usize = 100;

    /// Accepts a trimmed name of 1 to 100 characters on one line, and keeps it in NFC.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        one_line(input, Self::MAX).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The line that someone writes about themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusMessage(String);

impl StatusMessage {
    const MAX: usize = 255;

    /// Accepts a trimmed text of 1 to 255 characters on one line, and keeps it in NFC.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        one_line(input, Self::MAX).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A trimmed text on one line, in NFC. The columns count code points; no text has fewer graphemes than it shows.
fn one_line(input: &str, max: usize) -> Result<String, Invalid> {
    let text: String = input.trim().nfc().collect();
    if text.chars().any(char::is_control) {
        return Err(Invalid::ControlCharacter);
    }
    match text.chars().count() {
        0 => Err(Invalid::Blank),
        n if n > max => Err(Invalid::TooLong),
        _ => Ok(text),
    }
}

/// A password on its way to being hashed; never shown, never cut.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    const MIN: usize = 8;
    const MAX: usize = 128;

    /// Accepts 8 to 128 characters and keeps them in NFC, so that every keyboard types the same one (RFC 8265, 4.2).
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        let password: String = input.nfc().collect();
        // Nobody's 128 characters need more; a hash over megabytes would be an attack.
        if password.len() > 16 * Self::MAX {
            return Err(Invalid::TooLong);
        }
        match password.graphemes(true).count() {
            n if n < Self::MIN => Err(Invalid::TooShort),
            n if n > Self::MAX => Err(Invalid::TooLong),
            _ => Ok(Self(password)),
        }
    }

    /// Accepts what somebody types to log in, which an older system may have let be shorter.
    pub fn parse_typed(input: &str) -> Result<Self, Invalid> {
        match Self::parse(input) {
            Err(Invalid::TooShort) => Ok(Self(input.nfc().collect())),
            outcome => outcome,
        }
    }

    /// What is hashed.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// What everyone may see.
    pub profile: Profile,
    /// Their address, which only they see.
    pub email: String,
    /// The language that they are written to in.
    pub locale: Locale,
    /// When they signed up.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

/// What everyone may see of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Who.
    pub id: UserId,
    /// The unique name.
    pub username: String,
    /// The shown name, where one was chosen.
    pub display_name: Option<String>,
    /// The line about themselves, where there is one.
    pub status_message: Option<String>,
}

/// What the message path must know of a person, as of a version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// Counts what concerns them: profile, friends, requests, blocks. Clients know it as `user_rev`.
    pub version: i64,
    /// The unique name.
    pub username: String,
    /// The language that they are written to in.
    pub locale: Locale,
    /// Whether they may log in.
    pub is_active: bool,
    /// Their friends, by id.
    pub friends: Vec<UserId>,
    /// Whom they blocked, by id.
    pub blocked: Vec<UserId>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_name_in_two_forms_is_one_name() {
        let (nfc, nfd) = ("홍길동", "홍길동".nfd().collect::<String>());
        assert_ne!(nfc, nfd);
        assert_eq!(Username::parse(&nfd), Username::parse(nfc));
        assert_eq!(Username::parse("Ｔｏｍ").unwrap().fold(), Username::parse("tom").unwrap().fold());
        assert_eq!(Email::parse("A@Example.com").unwrap().fold(), "a@example.com");
    }

    #[test]
    fn a_username_says_why_it_was_refused() {
        assert_eq!(Username::parse("a"), Err(Invalid::TooShort));
        assert_eq!(Username::parse(""), Err(Invalid::Blank));
        assert_eq!(Username::parse(&"a".repeat(51)), Err(Invalid::TooLong));
        assert_eq!(Username::parse("a b"), Err(Invalid::ForbiddenCharacter));
        assert_eq!(Username::parse("a\u{200b}b"), Err(Invalid::ForbiddenCharacter));
        assert_eq!(Username::parse(&"\u{fdfa}".repeat(20)), Err(Invalid::TooLong));
    }

    #[test]
    fn a_password_is_counted_as_people_count() {
        assert_eq!(Password::parse("1234567"), Err(Invalid::TooShort));
        assert!(Password::parse("비밀번호여덟글자").is_ok());
        assert!(Password::parse(&"가".repeat(128)).is_ok());
        assert_eq!(Password::parse(&"가".repeat(129)), Err(Invalid::TooLong));
        assert_eq!(format!("{:?}", Password::parse("12345678").unwrap()), "Password(..)");
        assert_eq!(Password::parse_typed("1234567").unwrap().as_bytes(), b"1234567");
        assert_eq!(Password::parse_typed(&"가".repeat(129)), Err(Invalid::TooLong));
    }

    proptest! {
        #[test]
        fn what_was_parsed_parses_to_itself(text in "\\PC{0,60}") {
            if let Ok(name) = Username::parse(&text) { prop_assert_eq!(Username::parse(name.as_str()), Ok(name.clone())); prop_assert_eq!(fold(&name.fold()), name.fold()); }
            if let Ok(name) = DisplayName::parse(&text) { prop_assert_eq!(DisplayName::parse(name.as_str()), Ok(name)); }
            if let Ok(email) = Email::parse(&text) { prop_assert_eq!(Email::parse(email.as_str()), Ok(email)); }
        }

        #[test]
        fn a_sane_address_is_taken(local in "[a-z0-9.+_-]{1,20}[a-z]", domain in "[a-z]{1,10}\\.[a-z]{2,5}") {
            prop_assume!(!local.starts_with('.') && !local.contains("..") && !local.ends_with('.'));
            let address = format!("{local}@{domain}");
            prop_assert!(Email::parse(&address).is_ok(), "{}", address);
        }
    }
}
