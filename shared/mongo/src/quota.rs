use crate::limits::wait_for_tokens;
use domain::Limit;
use std::{borrow::Cow, cell::RefCell, time::Duration};

tokio::task_local! {
    /// The limits that the request under way has met.
    static MET: RefCell<Vec<Quota>>;
}

/// How much a request takes from a bucket, and what the bucket holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) limit: Limit,
    /// How many tokens a request takes on the average.
    pub(crate) unit: u32,
    /// How many this one takes.
    pub(crate) cost: u32,
}

/// What is left of a limit, in requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Names the limit.
    pub name: Cow<'static, str>,
    /// How many requests it allows at once.
    pub burst: u32,
    /// How long it takes to allow that many again.
    pub window: Duration,
    /// How many requests it allows now.
    pub left: u32,
    /// When it allows one more.
    pub more_in: Duration,
}

/// The outcome of a request, and the quotas of the limits that it has met, as the gates saw them.
pub async fn with_quotas<T>(request: impl Future<Output = T>) -> (T, Vec<Quota>) {
    let request = async {
        let outcome = request.await;
        (outcome, MET.with(RefCell::take))
    };
    MET.scope(RefCell::default(), request).await
}

/// Notes what is left of a limit for the answer of the request under way, if it is one over HTTP.
pub(crate) fn note(name: impl Into<Cow<'static, str>>, rate: Rate, tokens: f64) {
    let quota = rate.quota(name.into(), tokens);
    forget(&quota.name);
    // Frames have no headers.
    let _ = MET.try_with(|met| met.borrow_mut().push(quota));
}

/// Forgets a limit that did not count for the request after all.
pub(crate) fn forget(name: &str) {
    let _ = MET.try_with(|met| met.borrow_mut().retain(|quota| quota.name != name));
}

impl Rate {
    /// A token a request.
    pub(crate) const fn of(limit: Limit) -> Self {
        Self { limit, unit: 1, cost: 1 }
    }

    fn quota(self, name: Cow<'static, str>, tokens: f64) -> Quota {
        let Self { limit, unit, cost } = self;
        let (left, missing) = if tokens < f64::from(cost) {
            (0, f64::from(cost) - tokens)
        } else {
            let left = whole(tokens / f64::from(unit));
            (left, (f64::from(left) + 1.0).mul_add(f64::from(unit), -tokens))
        };
        let window = limit.pause().saturating_mul(limit.burst);
        Quota { name, burst: limit.burst / unit, window, left, more_in: wait_for_tokens(missing, limit) }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bucket holds 0 to `u32::MAX` tokens")]
fn whole(requests: f64) -> u32 {
    requests.floor() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIXTY: Limit = Limit { burst: 60, per_minute: 60 };

    fn left(rate: Rate, tokens: f64) -> (u32, u64) {
        let quota = rate.quota("x".into(), tokens);
        (quota.left, quota.more_in.as_millis().div_ceil(1_000).try_into().unwrap())
    }

    #[test]
    fn quota_counts_whole_requests_and_seconds() {
        assert_eq!(left(Rate::of(SIXTY), 59.0), (59, 1));
        assert_eq!(left(Rate::of(SIXTY), 58.4), (58, 1));
        assert_eq!(left(Rate::of(Limit { burst: 3, per_minute: 1 }), 0.5), (0, 30));
    }

    #[test]
    fn sampled_quota_is_empty_where_the_next_sample_is_refused() {
        let reads = Rate { limit: SIXTY, unit: 1, cost: 10 };
        assert_eq!(left(reads, 10.0), (10, 1));
        assert_eq!(left(reads, 9.5), (0, 1));
    }

    #[test]
    fn hourly_quota_counts_sixtieths() {
        let rooms = Rate { limit: Limit { burst: 1_200, per_minute: 20 }, unit: 60, cost: 60 };
        let quota = rooms.quota("x".into(), 1_140.0);
        assert_eq!((quota.burst, quota.left, quota.window.as_secs()), (20, 19, 3_600));
        assert_eq!(quota.more_in.as_secs(), 180);
    }

    #[tokio::test]
    async fn request_knows_the_newest_of_each_limit() {
        let ((), quotas) = with_quotas(async {
            note("a", Rate::of(SIXTY), 60.0);
            note("b", Rate::of(SIXTY), 60.0);
            note("a", Rate::of(SIXTY), 7.0);
            note("c", Rate::of(SIXTY), 7.0);
            forget("c");
        })
        .await;

        let quotas: Vec<_> = quotas.iter().map(|quota| (&*quota.name, quota.left)).collect();
        assert_eq!(quotas, [("b", 60), ("a", 7)]);
    }
}
