use std::time::Duration;

/// What a mail is for. Each carries a token, which proves that somebody reads the mail of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MailKind {
    /// Shows that an account's address is its owner's.
    VerifyEmail,
    /// Lets whoever reads an address' mail set the password of its account.
    ResetPassword,
}

impl MailKind {
    /// Its word, as stores keep it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
        }
    }

    /// The kind of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::VerifyEmail, Self::ResetPassword].into_iter().find(|kind| kind.as_str() == word)
    }

    /// How long its token is valid. Who resets a password is waiting for the mail.
    pub const fn life(self) -> Duration {
        match self {
            Self::VerifyEmail => Duration::from_hours(24),
            Self::ResetPassword => Duration::from_hours(1),
        }
    }
}

/// How often a mail is tried.
pub const MOST_MAIL_TRIES: u32 = 5;

/// How long after its so manieth try a mail is tried again: all within the life of the shortest token.
pub fn pause_after_mail_try(tries: u32) -> Duration {
    const PAUSES: [u64; 4] = [30, 120, 300, 900];
    let at = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
    Duration::from_secs(PAUSES[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_word() {
        for kind in [MailKind::VerifyEmail, MailKind::ResetPassword] {
            assert_eq!(MailKind::of(kind.as_str()), Some(kind));
        }
        assert_eq!(MailKind::of("other"), None);
    }

    #[test]
    fn the_last_try_leaves_half_of_every_token_s_life() {
        let waited: Duration = (1..MOST_MAIL_TRIES).map(pause_after_mail_try).sum();
        for kind in [MailKind::VerifyEmail, MailKind::ResetPassword] {
            assert!(waited < kind.life() / 2, "{waited:?}");
        }
    }
}
