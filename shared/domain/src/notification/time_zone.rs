use crate::{Invalid, Timestamp};
use jiff::{civil::DateTime, tz::TimeZoneDatabase};

/// The longest name of a zone, in bytes.
const LONGEST: usize = 64;

/// A time zone of the IANA database, such as `Asia/Seoul`.
///
/// The database comes with the code: what a zone means does not depend on the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZone(jiff::tz::TimeZone);

impl TimeZone {
    /// Accepts the name of a zone in any case.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        if input.len() > LONGEST {
            return Err(Invalid::TooLong);
        }
        let zone = TimeZoneDatabase::bundled().get(input).map_err(|_| Invalid::NotFound)?;
        // The placeholder for an unknown zone has a name, too.
        if zone.is_unknown() || zone.iana_name().is_none() { Err(Invalid::NotFound) } else { Ok(Self(zone)) }
    }

    /// The coordinated universal time.
    pub const fn utc() -> Self {
        Self(jiff::tz::TimeZone::UTC)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// What clocks in the zone show at a moment.
    pub(super) fn clock_at(&self, at: Timestamp) -> DateTime {
        let at = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        self.0.to_datetime(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_is_known_by_its_name_in_any_case() {
        for (input, name) in [
            ("Asia/Seoul", "Asia/Seoul"),
            ("asia/seoul", "Asia/Seoul"),
            ("Australia/Lord_Howe", "Australia/Lord_Howe"),
            ("UTC", "UTC"),
            ("Asia/Calcutta", "Asia/Calcutta"),
        ] {
            assert_eq!(TimeZone::parse(input).unwrap().as_str(), name);
        }
    }

    #[test]
    fn unknown_time_zone_is_refused() {
        for input in ["", "Seoul", "Asia/Atlantis", "+09:00", "KST-9", "Etc/Unknown", "local", "../etc/passwd", " UTC"]
        {
            assert_eq!(TimeZone::parse(input), Err(Invalid::NotFound), "{input}");
        }
        assert_eq!(TimeZone::parse(&"a".repeat(65)), Err(Invalid::TooLong));
    }
}
