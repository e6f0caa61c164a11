use super::TimeZone;
use crate::{Invalid, Timestamp};
use std::fmt;

/// A time of day by the clock on the wall, to the minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// Accepts `HH:MM` of 24 hours.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        let digits = |text: &str| {
            let is_two = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
            is_two.then(|| text.parse::<u16>().ok()).flatten()
        };
        let (hour, minute) = input.split_once(':').ok_or(Invalid::BadFormat)?;
        match (digits(hour), digits(minute)) {
            (Some(hour @ 0..=23), Some(minute @ 0..=59)) => Ok(Self(hour * 60 + minute)),
            _ => Err(Invalid::BadFormat),
        }
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// Some days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days(u8);

impl Days {
    /// Accepts at least one day, from 1 for Monday to 7 for Sunday.
    pub fn parse(input: &[u8]) -> Result<Self, Invalid> {
        if input.is_empty() {
            return Err(Invalid::TooShort);
        }
        if input.len() > 7 {
            return Err(Invalid::TooLong);
        }
        if input.iter().any(|day| !(1..=7).contains(day)) {
            return Err(Invalid::OutOfRange);
        }
        Ok(Self(input.iter().fold(0, |days, day| days | 1 << day)))
    }

    /// The numbers of the days, ascending.
    pub fn numbers(self) -> Vec<u8> {
        (1..=7).filter(|day| self.has(*day)).collect()
    }

    const fn has(self, day: u8) -> bool {
        self.0 & 1 << day != 0
    }
}

/// Hours in which nothing rings, by the clock on the wall. Over midnight they belong to the day on which they begin.
///
/// Never stored as UTC: with the change to daylight saving time they stay where they are on the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuietHours {
    from: TimeOfDay,
    to: TimeOfDay,
    days: Days,
    time_zone: Option<TimeZone>,
}

impl QuietHours {
    /// Hours from a time to another one, which is of the next day if it is the earlier one. Without a zone, that of each device
    /// counts. `Contradiction` if the two times are equal.
    pub fn new(from: TimeOfDay, to: TimeOfDay, days: Days, time_zone: Option<TimeZone>) -> Result<Self, Invalid> {
        if from == to { Err(Invalid::Contradiction) } else { Ok(Self { from, to, days, time_zone }) }
    }

    /// When they begin.
    pub const fn from(&self) -> TimeOfDay {
        self.from
    }

    /// When they end.
    pub const fn to(&self) -> TimeOfDay {
        self.to
    }

    /// On which days they begin.
    pub const fn days(&self) -> Days {
        self.days
    }

    /// In which zone; none for that of each device.
    pub const fn time_zone(&self) -> Option<&TimeZone> {
        self.time_zone.as_ref()
    }

    /// Whether a moment is in them, on a device in a zone. A device whose zone is not known is in UTC.
    pub fn cover(&self, at: Timestamp, device: Option<&TimeZone>) -> bool {
        const UTC: &TimeZone = &TimeZone::utc();
        let clock = self.time_zone.as_ref().or(device).unwrap_or(UTC).clock_at(at);
        let number = |n: i8| u16::try_from(n).unwrap_or(0);
        let time = TimeOfDay(number(clock.hour()) * 60 + number(clock.minute()));
        let today = u8::try_from(clock.weekday().to_monday_one_offset()).unwrap_or(0);
        let yesterday = if today == 1 { 7 } else { today - 1 };
        if self.from < self.to {
            self.days.has(today) && self.from <= time && time < self.to
        } else {
            self.days.has(today) && self.from <= time || self.days.has(yesterday) && time < self.to
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Timestamp, notification::TimeZone};

    fn hours(from: &str, to: &str, days: &[u8], zone: Option<&str>) -> QuietHours {
        let [from, to] = [from, to].map(|text| TimeOfDay::parse(text).unwrap());
        QuietHours::new(from, to, Days::parse(days).unwrap(), zone.map(|name| TimeZone::parse(name).unwrap())).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn time_of_day_has_one_spelling() {
        for text in ["00:00", "07:05", "23:59"] {
            assert_eq!(TimeOfDay::parse(text).unwrap().to_string(), text);
        }
        for wrong in ["", "7:00", "24:00", "12:60", "12:5", "12", "12:00:00", "+1:00", "１２:00"] {
            assert_eq!(TimeOfDay::parse(wrong), Err(Invalid::BadFormat), "{wrong}");
        }
    }

    #[test]
    fn days_are_a_set_of_one_to_seven() {
        assert_eq!(Days::parse(&[7, 1, 1]).unwrap().numbers(), [1, 7]);
        assert_eq!(Days::parse(&[]), Err(Invalid::TooShort));
        assert_eq!(Days::parse(&[0]), Err(Invalid::OutOfRange));
        assert_eq!(Days::parse(&[8]), Err(Invalid::OutOfRange));
        assert_eq!(Days::parse(&[1; 8]), Err(Invalid::TooLong));
    }

    #[test]
    fn quiet_hours_need_two_times() {
        let noon = TimeOfDay::parse("12:00").unwrap();
        assert_eq!(QuietHours::new(noon, noon, Days::parse(&[1]).unwrap(), None), Err(Invalid::Contradiction));
    }

    #[test]
    fn night_belongs_to_the_day_on_which_it_begins() {
        // 2026-11-27 is a Friday.
        let night = hours("22:00", "07:00", &[5], Some("Asia/Seoul"));
        for (moment, is_quiet) in [
            ("2026-11-27T06:59:00+09:00", false),
            ("2026-11-27T21:59:59+09:00", false),
            ("2026-11-27T22:00:00+09:00", true),
            ("2026-11-28T06:59:59+09:00", true),
            ("2026-11-28T07:00:00+09:00", false),
            ("2026-11-28T22:00:00+09:00", false),
        ] {
            assert_eq!(night.cover(at(moment), None), is_quiet, "{moment}");
        }
    }

    #[test]
    fn own_zone_counts_before_that_of_the_device() {
        let seoul = TimeZone::parse("Asia/Seoul").unwrap();
        let three_in_seoul = at("2026-11-26T18:00:00Z");
        let every_day = [1, 2, 3, 4, 5, 6, 7];

        assert!(hours("02:00", "04:00", &every_day, None).cover(three_in_seoul, Some(&seoul)));
        assert!(!hours("02:00", "04:00", &every_day, None).cover(three_in_seoul, None), "UTC, where nothing is known");
        assert!(!hours("02:00", "04:00", &every_day, Some("UTC")).cover(three_in_seoul, Some(&seoul)));
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use crate::notification::TimeZone;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;

    /// The offsets of four zones in 2026 in minutes, from when each of them holds, as their governments decree them.
    const ZONES: [(&str, &[(&str, i64)]); 4] = [
        ("Asia/Seoul", &[("2026-01-01T00:00:00Z", 540)]),
        ("Europe/Berlin", &[("2026-01-01T00:00:00Z", 60), ("2026-03-29T01:00:00Z", 120), ("2026-10-25T01:00:00Z", 60)]),
        (
            "America/New_York",
            &[("2026-01-01T00:00:00Z", -300), ("2026-03-08T07:00:00Z", -240), ("2026-11-01T06:00:00Z", -300)],
        ),
        // Half an hour, and in summer when the north has winter.
        (
            "Australia/Lord_Howe",
            &[("2026-01-01T00:00:00Z", 660), ("2026-04-04T15:00:00Z", 630), ("2026-10-03T15:30:00Z", 660)],
        ),
    ];

    /// Looks at every night of some days, in milliseconds that a clock on the wall shows since the epoch.
    fn naive(quiet: &QuietHours, offsets: &[(&str, i64)], at: Timestamp) -> bool {
        let held = offsets.iter().rev().find(|(since, _)| Timestamp::parse(since).unwrap() <= at).unwrap();
        let clock = at.millis() + held.1 * 60_000;
        let today = clock.div_euclid(DAY);
        [today - 1, today].into_iter().any(|day| {
            // The epoch was a Thursday.
            let weekday = u8::try_from((day + 3).rem_euclid(7) + 1).unwrap();
            let begin = day * DAY + i64::from(quiet.from.0) * 60_000;
            let length = (i64::from(quiet.to.0) - i64::from(quiet.from.0)).rem_euclid(24 * 60) * 60_000;
            quiet.days.numbers().contains(&weekday) && (begin..begin + length).contains(&clock)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn quiet_hours_follow_local_time(
            zone in 0..4_usize, days in 1_u8..128, from in 0..1_440_u16, to in 0..1_440_u16, near: prop::sample::Index,
            minutes in -3_000..3_000_i64, day in 0..364_i64, on_change: bool, as_device: bool,
        ) {
            prop_assume!(from != to);
            let (name, offsets) = ZONES[zone];
            let new_year = Timestamp::parse("2026-01-02T00:00:00Z").unwrap().millis();
            let change = Timestamp::parse(offsets[near.index(offsets.len())].0).unwrap().millis();
            let base = if on_change && offsets.len() > 1 { change } else { new_year + day * DAY };
            let at = Timestamp::from_millis((base + minutes * 60_000).max(new_year));
            let zone = TimeZone::parse(name).unwrap();
            let (own, device) = if as_device { (None, Some(zone)) } else { (Some(zone), None) };
            let days: Vec<u8> = (0..7).filter(|day| days >> day & 1 == 1).map(|day| day + 1).collect();
            let quiet = QuietHours::new(TimeOfDay(from), TimeOfDay(to), Days::parse(&days).unwrap(), own).unwrap();

            prop_assert_eq!(quiet.cover(at, device.as_ref()), naive(&quiet, offsets, at), "{} {}", name, at);
        }

        #[test]
        fn no_text_breaks_the_parsers(text in "\\PC{0,70}|[0-9:+-]{0,8}|[A-Za-z/_]{0,70}") {
            if let Ok(time) = TimeOfDay::parse(&text) { prop_assert_eq!(time.to_string(), text.as_str()); }
            if let Ok(zone) = TimeZone::parse(&text) { prop_assert!(zone.as_str().eq_ignore_ascii_case(&text)); }
        }
    }
}
