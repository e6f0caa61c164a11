/// Of fewer answers no share is taken.
const FEWEST: i64 = 20;

/// How many answers of a hundred may say that a device is unknown.
const MOST_PERCENT: i64 = 20;

/// How often a push service answered in a while.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answers {
    /// In all.
    pub all: i64,
    /// That it does not know the device.
    pub unknown: i64,
}

impl Answers {
    /// The same and some more.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self { all: self.all.saturating_add(more.all), unknown: self.unknown.saturating_add(more.unknown) }
    }

    /// Whether the service knew so few devices that the fault may be ours: one asks about all of them with a wrong topic or project.
    pub const fn know_too_few(self) -> bool {
        self.all >= FEWEST && self.unknown.saturating_mul(100) > self.all.saturating_mul(MOST_PERCENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_fifth_of_twenty_is_too_much() {
        for (unknown, all, expected) in
            [(19, 19, false), (4, 20, false), (5, 20, true), (200, 1_000, false), (201, 1_000, true)]
        {
            assert_eq!(Answers { all, unknown }.know_too_few(), expected, "{unknown} of {all}");
        }
    }
}
