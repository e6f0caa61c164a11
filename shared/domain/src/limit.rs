use std::{str::FromStr, time::Duration};

/// A token bucket: so many at once, and so many a minute from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many fit into the bucket.
    pub burst: u32,
    /// How many come back within a minute.
    pub per_minute: u32,
}

/// A text that is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a limit, as `20:120`")]
pub struct LimitError;

impl Limit {
    /// How long one token takes to come back.
    pub fn pause(self) -> Duration {
        Duration::from_mins(1) / self.per_minute.max(1)
    }
}

impl FromStr for Limit {
    type Err = LimitError;

    /// `burst:per_minute`, each 1 to 1,000,000.
    fn from_str(text: &str) -> Result<Self, LimitError> {
        let number = |text: &str| text.parse().ok().filter(|number| (1..=1_000_000).contains(number)).ok_or(LimitError);
        let (burst, per_minute) = text.split_once(':').ok_or(LimitError)?;
        Ok(Self { burst: number(burst)?, per_minute: number(per_minute)? })
    }
}

/// How many logins may fail before the next one waits.
pub const FREE_FAILURES: u32 = 5;

/// How long the next login waits after so many that failed in a row: nothing at first, then twice as long each time.
pub fn pause_after_failures(failures: u32) -> Duration {
    const LONGEST: Duration = Duration::from_mins(1);
    match failures.checked_sub(FREE_FAILURES) {
        None => Duration::ZERO,
        Some(over) => Duration::from_secs(1 << over.min(6)).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_is_two_numbers() {
        assert_eq!("20:120".parse(), Ok(Limit { burst: 20, per_minute: 120 }));
        assert_eq!(Limit { burst: 20, per_minute: 120 }.pause(), Duration::from_millis(500));
        for wrong in ["", "20", "0:1", "1:0", "-1:5", "1:2:3", "a:b", "1000001:1"] {
            assert_eq!(wrong.parse::<Limit>(), Err(LimitError), "{wrong}");
        }
    }

    #[test]
    fn pause_doubles_up_to_a_minute() {
        let seconds: Vec<u64> = (0..14).map(|failures| pause_after_failures(failures).as_secs()).collect();
        assert_eq!(seconds, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(pause_after_failures(u32::MAX).as_secs(), 60);
    }
}
