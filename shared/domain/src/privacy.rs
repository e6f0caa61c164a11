use crate::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use strum::{EnumString, IntoStaticStr};

/// Who may know when a person is online.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum PresenceVisibility {
    /// Friends, the default.
    #[default]
    Friends,
    /// Nobody. Whoever hides sees nobody's presence either.
    Nobody,
}

impl PresenceVisibility {
    /// The word on the wire and in the stores.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What others may learn of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Privacy {
    /// Who may know when they are online.
    pub presence_visibility: PresenceVisibility,
    /// Whether others learn what they have read, and they what others have.
    pub read_receipts: bool,
}

impl Privacy {
    /// Whether friends may know when they are online, and they when friends are.
    pub fn shows_presence(self) -> bool {
        self.presence_visibility == PresenceVisibility::Friends
    }
}

impl Default for Privacy {
    fn default() -> Self {
        Self { presence_visibility: PresenceVisibility::default(), read_receipts: true }
    }
}

/// What a person changes of it; what is absent stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PrivacyPatch {
    /// Who may know from now on when they are online.
    pub presence_visibility: Option<PresenceVisibility>,
    /// Whether others learn from now on what they have read.
    pub read_receipts: Option<bool>,
}

impl PrivacyPatch {
    /// Whether it changes nothing.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// What somebody's friend sees of their presence; of who hides as of who was never online.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Whether they are online.
    pub is_online: bool,
    /// When they were last online, roughly; not while they are, nor of long ago.
    pub last_seen_at: Option<Timestamp>,
}

/// When somebody was last online, as friends are told: the less precisely the longer ago, and not at all after a month.
pub fn shown_last_seen(at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    const HOUR: Duration = Duration::from_hours(1);
    const DAY: Duration = Duration::from_hours(24);
    const MONTH: Duration = Duration::from_hours(24 * 30);
    let unit = match at.until(now) {
        age if age < HOUR => Duration::from_mins(1),
        age if age < DAY => HOUR,
        age if age < MONTH => DAY,
        _ => return None,
    };
    let unit = i64::try_from(unit.as_millis()).ok()?;
    Some(Timestamp::from_millis(at.millis().div_euclid(unit) * unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-09-21T14:13:20.007Z.
    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_007);

    #[test]
    fn last_seen_is_rounded_down_by_its_age() {
        for (age, shown) in [
            (0, Some("2026-09-21T14:13:00.000Z")),
            (59 * 60, Some("2026-09-21T13:14:00.000Z")),
            (60 * 60, Some("2026-09-21T13:00:00.000Z")),
            (24 * 60 * 60 - 1, Some("2026-09-20T14:00:00.000Z")),
            (24 * 60 * 60, Some("2026-09-20T00:00:00.000Z")),
            (30 * 24 * 60 * 60 - 1, Some("2026-08-22T00:00:00.000Z")),
            (30 * 24 * 60 * 60, None),
        ] {
            let seen = shown_last_seen(NOW.minus(Duration::from_secs(age)), NOW);
            assert_eq!(seen.map(|seen| seen.to_string()).as_deref(), shown, "{age}");
        }
    }

    #[test]
    fn everybody_shows_presence_and_receipts_at_first() {
        assert!(Privacy::default().shows_presence() && Privacy::default().read_receipts);
        assert_eq!("nobody".parse(), Ok(PresenceVisibility::Nobody));
    }

    proptest! {
        #[test]
        fn shown_last_seen_is_never_later_than_it_was(at in 0..2_000_000_000_000_i64, age in 0..10_000_000_000_i64) {
            let (at, now) = (Timestamp::from_millis(at), Timestamp::from_millis(at + age));
            if let Some(shown) = shown_last_seen(at, now) { prop_assert!(shown <= at); }
        }
    }
}
