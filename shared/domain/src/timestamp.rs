use crate::Invalid;
use serde::{Serialize, Serializer};
use std::{fmt, time::Duration};
use time::{
    OffsetDateTime, PrimitiveDateTime,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};

const RFC_3339_MILLIS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// A moment in UTC with millisecond precision, RFC 3339 on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// A moment given as milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Accepts a moment as in RFC 3339, with any offset, and cuts it to milliseconds.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        let moment = OffsetDateTime::parse(input, &Rfc3339).map_err(|_| Invalid::BadFormat)?;
        let millis = moment.unix_timestamp_nanos().div_euclid(1_000_000);
        let at = Self(i64::try_from(millis).map_err(|_| Invalid::OutOfRange)?);
        // An offset may move it out of the years that can be shown.
        if Self::from(at.to_utc()) == at { Ok(at) } else { Err(Invalid::OutOfRange) }
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, as JWT claims have them (RFC 7519, `NumericDate`).
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment and a while.
    #[must_use]
    pub fn plus(self, while_: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(while_.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This moment less a while.
    #[must_use]
    pub fn minus(self, while_: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(while_.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The latest moment up to this one that is a whole number of steps after the Unix epoch.
    #[must_use]
    pub fn floor_to(self, step: Duration) -> Self {
        let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
        Self(self.0.saturating_sub(self.0.rem_euclid(step)))
    }

    /// The time from this moment to another; none if that has passed.
    pub fn until(self, other: Self) -> Duration {
        Duration::from_millis(u64::try_from(other.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// The same moment as a date and a time in UTC; moments outside the years 1 to 9999 become the epoch.
    ///
    /// Without an offset, since `MySQL` binds one with an offset as TIMESTAMP, which ends in 2038.
    pub fn to_utc(self) -> PrimitiveDateTime {
        let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).ok();
        let moment = moment.filter(|moment| (1..=9_999).contains(&moment.year()));
        let moment = moment.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        PrimitiveDateTime::new(moment.date(), moment.time())
    }
}

impl From<PrimitiveDateTime> for Timestamp {
    /// The moment of a date and a time in UTC.
    fn from(moment: PrimitiveDateTime) -> Self {
        let millis = moment.assume_utc().unix_timestamp_nanos().div_euclid(1_000_000);
        Self(i64::try_from(millis).unwrap_or_default())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_utc().format(RFC_3339_MILLIS).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_that_no_store_knows_is_the_epoch() {
        for millis in [i64::MIN, -70_000_000_000_000, 300_000_000_000_000, i64::MAX] {
            assert_eq!(Timestamp::from(Timestamp::from_millis(millis).to_utc()), Timestamp::from_millis(0), "{millis}");
        }
    }

    #[test]
    fn a_moment_is_read_with_any_offset() {
        for (input, shown) in [
            ("2026-09-21T14:13:20.007Z", "2026-09-21T14:13:20.007Z"),
            ("2026-09-21T23:13:20.0079+09:00", "2026-09-21T14:13:20.007Z"),
            ("2026-09-21T14:13:20Z", "2026-09-21T14:13:20.000Z"),
        ] {
            assert_eq!(Timestamp::parse(input).unwrap().to_string(), shown);
        }
        for wrong in ["", "2026-09-21", "2026-09-21T14:13:20", "2026-02-30T00:00:00Z", "1790000000", "now"] {
            assert_eq!(Timestamp::parse(wrong), Err(Invalid::BadFormat), "{wrong}");
        }
        for wrong in ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00"] {
            assert_eq!(Timestamp::parse(wrong), Err(Invalid::OutOfRange), "{wrong}");
        }
    }

    #[test]
    fn a_moment_is_floored_to_a_step() {
        let minute = Duration::from_mins(1);
        for (millis, floored) in
            [(0, 0), (59_999, 0), (60_000, 60_000), (1_790_000_012_345, 1_789_999_980_000), (-1, -60_000)]
        {
            assert_eq!(Timestamp::from_millis(millis).floor_to(minute), Timestamp::from_millis(floored), "{millis}");
        }
        assert_eq!(Timestamp::from_millis(7).floor_to(Duration::ZERO), Timestamp::from_millis(7));
    }

    #[test]
    fn a_moment_shows_three_digits_of_its_second() {
        assert_eq!(Timestamp::from_millis(1_790_000_000_007).to_string(), "2026-09-21T14:13:20.007Z");
        assert_eq!(Timestamp::from_millis(-1).to_string(), "1969-12-31T23:59:59.999Z");
    }
}
