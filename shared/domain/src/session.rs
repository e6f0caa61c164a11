use crate::{ClientId, Invalid, SessionId, Timestamp, UserId};
use std::time::Duration;

/// One login on one device, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// What the device calls itself.
    pub user_agent: Option<String>,
    /// When they logged in.
    pub created_at: Timestamp,
    /// When its tokens were last refreshed.
    pub last_used_at: Timestamp,
}

/// A login's family of refresh tokens, of which `generation` is the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// Which login.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// The newest token's.
    pub generation: u32,
    /// The hash of the attempt that made it, where the client named one.
    pub attempt_hash: Option<String>,
    /// When that one was issued.
    pub rotated_at: Timestamp,
    /// When it ends, however much it is used.
    pub expires_at: Timestamp,
    /// Whether it has not been ended, and its owner's account is active.
    pub is_live: bool,
}

/// What a client calls one attempt to refresh a login, so that it can be made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt(String);

impl Attempt {
    /// Accepts 1 to 64 visible ASCII characters.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        ClientId::parse(input).map(|name| Self(name.as_str().to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What becomes of a refresh token that somebody presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// It was the newest: the next generation is issued.
    Rotate(u32),
    /// It was replaced a moment ago or by the same attempt, and the answer was lost: the same one again.
    Repeat(u32),
    /// It was replaced long ago: somebody has a copy, and the login ends.
    Revoke,
    /// The login is over.
    Refuse,
}

impl Family {
    /// How long a login lasts, however much it is used.
    pub const LIFE: Duration = Duration::from_hours(90 * 24);
    /// How long it lasts unused.
    pub const IDLE: Duration = Duration::from_hours(30 * 24);
    /// How long a lost answer may be asked for again.
    pub const GRACE: Duration = Duration::from_secs(10);
    /// How many live logins a person has at most; one more ends the oldest.
    pub const MOST: u32 = 50;

    /// What becomes of the token of a generation (RFC 9700, 4.14.2: refresh token rotation). `attempt_hash` is of the attempt that
    /// presents it: whoever made the newest generation may ask for it again, however late.
    pub fn present(&self, generation: u32, attempt_hash: Option<&str>, now: Timestamp) -> Refresh {
        if !self.is_live || now >= self.ends_at() {
            return Refresh::Refuse;
        }
        match self.generation.checked_sub(generation) {
            None => Refresh::Refuse,
            Some(0) => Refresh::Rotate(self.generation.saturating_add(1)),
            Some(1) if self.is_repeat(attempt_hash, now) => Refresh::Repeat(self.generation),
            Some(_) => Refresh::Revoke,
        }
    }

    fn is_repeat(&self, attempt_hash: Option<&str>, now: Timestamp) -> bool {
        let is_same_attempt = attempt_hash.is_some() && attempt_hash == self.attempt_hash.as_deref();
        is_same_attempt || now <= self.rotated_at.plus(Self::GRACE)
    }

    /// When it ends if it is not used again.
    pub fn ends_at(&self) -> Timestamp {
        self.expires_at.min(self.rotated_at.plus(Self::IDLE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn family() -> Family {
        Family {
            id: SessionId("5e55".to_owned()),
            user: UserId(3),
            generation: 7,
            attempt_hash: Some("attempt".to_owned()),
            rotated_at: NOON,
            expires_at: NOON.plus(Duration::from_hours(40 * 24)),
            is_live: true,
        }
    }

    #[test]
    fn the_newest_token_brings_the_next() {
        assert_eq!(family().present(7, None, NOON), Refresh::Rotate(8));
    }

    #[test]
    fn the_one_before_brings_the_same_again_for_ten_seconds() {
        assert_eq!(family().present(6, None, NOON.plus(Family::GRACE)), Refresh::Repeat(7));
        assert_eq!(family().present(6, None, NOON.plus(Family::GRACE + Duration::from_millis(1))), Refresh::Revoke);
    }

    #[test]
    fn the_attempt_that_made_the_newest_gets_it_again_however_late() {
        let late = NOON.plus(Duration::from_hours(48));
        assert_eq!(family().present(6, Some("attempt"), late), Refresh::Repeat(7));
        assert_eq!(family().present(6, Some("another"), late), Refresh::Revoke);
        assert_eq!(family().present(5, Some("attempt"), late), Refresh::Revoke);
        assert_eq!(Family { attempt_hash: None, ..family() }.present(6, None, late), Refresh::Revoke);
        assert_eq!(family().present(6, Some("attempt"), NOON.plus(Family::IDLE)), Refresh::Refuse);
    }

    #[test]
    fn an_older_one_ends_the_login_at_once() {
        assert_eq!(family().present(5, None, NOON), Refresh::Revoke);
    }

    #[test]
    fn a_login_ends_by_itself_by_logout_and_unused() {
        let ended = Family { is_live: false, ..family() };
        assert_eq!(ended.present(7, None, NOON), Refresh::Refuse);
        assert_eq!(ended.present(1, None, NOON), Refresh::Refuse);
        assert_eq!(family().present(7, None, NOON.plus(Family::IDLE)), Refresh::Refuse);
        let old = Family { expires_at: NOON, ..family() };
        assert_eq!(old.present(7, None, NOON), Refresh::Refuse);
    }

    #[test]
    fn a_token_from_the_future_is_none() {
        assert_eq!(family().present(8, None, NOON), Refresh::Refuse);
    }
}
