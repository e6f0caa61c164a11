use crate::{
    Invalid, Locale, Picture, Privacy, Timestamp, UserId,
    text::{fold, is_invisible, one_line},
};
use email_address::EmailAddress;
use std::fmt;
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// An e-mail address by the grammar of RFC 5321, without quotes around its local part: those spell the same mailbox in other ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    const MAX: usize = 255;

    /// Accepts a trimmed address of at most 255 characters without invisible ones, and keeps it in NFC.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        let text: String = input.trim().nfc().collect();
        if text.is_empty() {
            return Err(Invalid::Blank);
        }
        if text.chars().any(is_invisible) {
            return Err(Invalid::InvisibleCharacter);
        }
        let email = Self(text);
        if email.0.chars().count() > Self::MAX || email.fold().chars().count() > Self::MAX {
            return Err(Invalid::TooLong);
        }
        let options = email_address::Options::default().without_display_text().without_domain_literal();
        EmailAddress::parse_with_options(&email.0, options).map_err(|_| Invalid::BadFormat)?;
        if email.0.starts_with('"') { Err(Invalid::BadFormat) } else { Ok(email) }
    }

    /// The same for a new account: refuses addresses that only look like the one in ASCII whose form is theirs, too. That one's
    /// owner could neither register nor read the mails.
    pub fn parse_new(input: &str) -> Result<Self, Invalid> {
        let email = Self::parse(input)?;
        let (local, domain) = email.0.rsplit_once('@').ok_or(Invalid::BadFormat)?;
        let is_lookalike = |text: &str| !text.is_ascii() && fold(text).is_ascii();
        // A domain that UTS 46 maps is the one that it looks like.
        if is_lookalike(local) || (is_lookalike(domain) && idna::domain_to_unicode(domain).1.is_err()) {
            return Err(Invalid::ForbiddenCharacter);
        }
        Ok(email)
    }

    /// The address as its owner writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that is unique: case-folded, and with a domain as UTS 46 maps it, its labels in Punycode decoded.
    pub fn fold(&self) -> String {
        fold_address(&self.0)
    }
}

fn fold_address(address: &str) -> String {
    match address.rsplit_once('@').map(|(local, domain)| (local, idna::domain_to_unicode(domain))) {
        // Not folded further: `straße.de` and `strasse.de` are two domains.
        Some((local, (domain, Ok(())))) => format!("{}@{domain}", fold(local)),
        // No name that resolves.
        Some((_, (_, Err(_)))) | None => fold(address),
    }
}

/// The name that others see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    const MAX: usize = 100;

    /// Accepts a trimmed name of 1 to 100 characters on one line without invisible ones, and keeps it in NFC.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        one_line(input, Self::MAX).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A line that someone writes about themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusMessage(String);

impl StatusMessage {
    const MAX: usize = 255;

    /// Accepts a trimmed text of 1 to 255 characters on one line without invisible ones, and keeps it in NFC.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        one_line(input, Self::MAX).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A password on its way to being hashed; never shown, never cut.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    const MIN: usize = 8;
    const MAX: usize = 128;
    /// Nobody's 128 characters need more; a hash over megabytes would be an attack.
    const MAX_BYTES: usize = 16 * Self::MAX;

    /// Accepts 8 to 128 characters and keeps them in NFC, so that every keyboard types the same one (RFC 8265, 4.2).
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        let password: String = input.nfc().collect();
        if password.len() > Self::MAX_BYTES {
            return Err(Invalid::TooLong);
        }
        match password.graphemes(true).count() {
            n if n < Self::MIN => Err(Invalid::TooShort),
            n if n > Self::MAX => Err(Invalid::TooLong),
            _ => Ok(Self(password)),
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

/// A password that somebody types to be let in: in NFC, and as it was typed, since an older system hashed what it got.
#[derive(Clone, PartialEq, Eq)]
pub struct TypedPassword {
    password: Password,
    verbatim: Option<String>,
}

impl TypedPassword {
    /// Accepts at most 128 characters; an older system may have let passwords be shorter than ours.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        let password = match Password::parse(input) {
            Err(Invalid::TooShort) => Password(input.nfc().collect()),
            outcome => outcome?,
        };
        let is_other = password.0 != input && input.len() <= Password::MAX_BYTES;
        Ok(Self { verbatim: is_other.then(|| input.to_owned()), password })
    }

    /// The password as we hash it.
    pub fn password(&self) -> &Password {
        &self.password
    }

    /// What an older system may have hashed: the form in NFC, and the typed one where it differs.
    pub fn forms(&self) -> impl Iterator<Item = &[u8]> {
        [Some(&self.password.0), self.verbatim.as_ref()].into_iter().flatten().map(String::as_bytes)
    }
}

impl fmt::Debug for TypedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedPassword(..)")
    }
}

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// What everyone may see.
    pub profile: Profile,
    /// The e-mail address, shown to its owner only.
    pub email: String,
    /// Whether somebody has shown that they read its mail.
    pub email_verified: bool,
    /// The language of texts for them.
    pub locale: Locale,
    /// What others may learn of them.
    pub privacy: Privacy,
    /// The time of registration.
    pub created_at: Timestamp,
    /// The time of the latest change.
    pub updated_at: Timestamp,
}

impl User {
    /// The form of the address that is unique.
    pub fn email_fold(&self) -> String {
        fold_address(&self.email)
    }
}

/// What everyone may see of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The person's id.
    pub id: UserId,
    /// The unique name.
    pub username: String,
    /// The display name, if one is set.
    pub display_name: Option<String>,
    /// The status message, if one is set.
    pub status_message: Option<String>,
    /// Their picture, if they show one.
    pub avatar: Option<Picture>,
}

/// What the message path must know of a person, as of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The person's id.
    pub id: UserId,
    /// Counts changes of profile, friends, requests and blocks. Clients see it as `user_rev`.
    pub version: i64,
    /// The unique name.
    pub username: String,
    /// The display name, if one is set and known.
    pub display_name: Option<String>,
    /// The language of texts for them.
    pub locale: Locale,
    /// What others may learn of them.
    pub privacy: Privacy,
    /// Whether the account is active.
    pub is_active: bool,
    /// Their friends, by id.
    pub friends: Vec<UserId>,
    /// The people whom they blocked, by id.
    pub blocked: Vec<UserId>,
    /// Their picture, if they show one.
    pub avatar: Option<Picture>,
}

impl Person {
    /// The form of the username by which mentions find it.
    pub fn name_key(&self) -> String {
        fold(&self.username)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_unique_whatever_its_case_and_form() {
        assert_eq!(Email::parse("A@Example.com").unwrap().fold(), "a@example.com");
        assert_eq!(Email::parse(&"홍@example.com".nfd().collect::<String>()), Email::parse("홍@example.com"));
    }

    #[test]
    fn domain_in_punycode_is_the_same_domain() {
        let fold = |text: &str| Email::parse(text).unwrap().fold();

        assert_eq!(fold("A@XN--MNCHEN-3YA.de"), fold("a@münchen.de"));
        assert_eq!(fold("a@xn--9t4b11yi5a.example"), "a@테스트.example");
        assert_eq!(fold("a@MÜNCHEN.DE"), "a@münchen.de");
        // Labels that are not Punycode stay as they are.
        assert_eq!(fold("a@xn--a.example"), "a@xn--a.example");
    }

    #[test]
    fn domains_that_differ_have_addresses_that_differ() {
        let fold = |text: &str| Email::parse_new(text).unwrap().fold();

        assert_eq!(fold("a@Straße.de"), "a@straße.de");
        assert_eq!(fold("a@strasse.de"), "a@strasse.de");
        assert_eq!(fold("a@ｇmail.com"), "a@gmail.com");
    }

    #[test]
    fn lookalike_of_an_address_in_ascii_registers_nobody() {
        for address in ["ｊames@gmail.com", "jameſ@gmail.com", "ﬁona@gmail.com"] {
            assert_eq!(Email::parse_new(address), Err(Invalid::ForbiddenCharacter), "{address}");
            assert!(Email::parse(address).is_ok(), "{address}");
        }
        for address in ["james@gmail.com", "JAMES@gmail.com", "홍길동@example.com", "josé@example.com"] {
            assert!(Email::parse_new(address).is_ok(), "{address}");
        }
    }

    #[test]
    fn quoted_local_part_is_refused() {
        for address in ["\"james\"@gmail.com", "\"j\\ames\"@gmail.com", "\"a b\"@gmail.com"] {
            assert_eq!(Email::parse(address), Err(Invalid::BadFormat), "{address}");
        }
    }

    #[test]
    fn address_with_an_invisible_character_is_refused() {
        for c in ['\u{3164}', '\u{200b}', '\u{200d}', '\u{202e}', '\u{2066}', '\u{ad}', '\u{feff}', '\u{2800}', '\u{0}']
        {
            let address = format!("min{c}ji@example.com");
            assert_eq!(Email::parse(&address), Err(Invalid::InvisibleCharacter), "{}", address.escape_unicode());
        }
        assert_eq!(Email::parse("min\u{2028}ji@example.com"), Err(Invalid::BadFormat));
        assert_eq!(Email::parse(" "), Err(Invalid::Blank));
    }

    #[test]
    fn password_is_counted_in_graphemes() {
        assert_eq!(Password::parse("1234567"), Err(Invalid::TooShort));
        assert!(Password::parse("비밀번호여덟글자").is_ok());
        assert!(Password::parse(&"가".repeat(128)).is_ok());
        assert_eq!(Password::parse(&"가".repeat(129)), Err(Invalid::TooLong));
        assert_eq!(format!("{:?}", Password::parse("12345678").unwrap()), "Password(..)");
    }

    #[test]
    fn a_typed_password_may_be_short_and_is_kept_as_typed_too() {
        let forms = |text: &str| TypedPassword::parse(text).unwrap().forms().map(<[u8]>::to_vec).collect::<Vec<_>>();
        let (nfc, nfd) = ("비밀번호", "비밀번호".nfd().collect::<String>());

        assert_eq!(forms("1234567"), [b"1234567"]);
        assert_eq!(forms(nfc), [nfc.as_bytes()]);
        assert_eq!(forms(&nfd), [nfc.as_bytes(), nfd.as_bytes()]);
        assert_eq!(TypedPassword::parse(&"가".repeat(129)), Err(Invalid::TooLong));
        assert_eq!(format!("{:?}", TypedPassword::parse(&nfd).unwrap()), "TypedPassword(..)");
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parsed_text_parses_to_itself(text in "\\PC{0,60}|\\s{0,2}[\\PC\u{200c}\u{200d}\u{fe0f}\u{20e3}\u{1f3f4}\u{e0067}\u{e007f}1❤👩]{0,12}\\s{0,2}") {
            if let Ok(name) = DisplayName::parse(&text) { prop_assert_eq!(DisplayName::parse(name.as_str()), Ok(name)); }
            if let Ok(status) = StatusMessage::parse(&text) { prop_assert_eq!(StatusMessage::parse(status.as_str()), Ok(status)); }
            if let Ok(password) = Password::parse(&text) { prop_assert_eq!(Password::parse(&password.0), Ok(password)); }
        }

        #[test]
        fn parsed_address_parses_to_itself(address in "\\PC{0,60}|\\PC{1,10}@[a-z가-힣\\PC]{1,8}\\.[a-z]{2,4}") {
            if let Ok(email) = Email::parse(&address) {
                prop_assert_eq!(fold_address(&email.fold()), email.fold());
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email));
            }
        }

        #[test]
        fn usual_address_is_accepted(local in "[a-z0-9]([.+_-]?[a-z0-9]){0,20}", domain in "[a-z]{1,10}\\.[a-z]{2,5}") {
            let address = format!("{local}@{domain}");
            prop_assert!(Email::parse(&address).is_ok(), "{}", address);
        }
    }
}
