use crate::Outcome;
use domain::{Clock, OrLog as _, ProviderToken, Timestamp};
use mongo::Mongo;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long no token is asked for after none could be made: those who waited for it don't ask one after the other.
const FAILED_FOR: Duration = Duration::from_secs(5);

/// A token that a service takes for a while, the same one in all environments.
#[derive(Debug)]
pub(crate) struct SharedToken {
    /// The credentials that it belongs to.
    id: String,
    /// How old it may become.
    life: Duration,
    /// After a token was refused and another one made: how long no other is made for that reason.
    pause: Duration,
    mongo: Option<Mongo>,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<ProviderToken>,
    /// When a token was made because the service had refused one.
    replaced_at: Option<Timestamp>,
    /// When no token could be made, and why.
    failed: Option<(Timestamp, Outcome)>,
}

impl SharedToken {
    /// Without a store, each environment makes its own.
    pub(crate) fn new(id: String, life: Duration, pause: Duration, mongo: Option<Mongo>, clock: Clock) -> Self {
        Self { id, life, pause, mongo, clock, state: Mutex::default() }
    }

    /// The token, another one than was `refused`. `issue` makes one if nobody has a good one; while it does, others wait.
    pub(crate) async fn get(
        &self,
        refused: Option<&str>,
        issue: impl Future<Output = Result<String, Outcome>> + Send,
    ) -> Result<String, Outcome> {
        let mut state = self.state.lock().await;
        if let Some(token) = state.current.as_ref().filter(|token| self.is_good(token, refused)) {
            return Ok(token.token.clone());
        }
        let now = self.clock.now();
        if refused.is_some() && state.replaced_at.is_some_and(|at| now < at.plus(self.pause)) {
            return Err(Outcome::Failed("its new token is refused too".to_owned()));
        }
        if let Some((at, outcome)) = &state.failed
            && now < at.plus(FAILED_FOR)
        {
            return Err(outcome.clone());
        }
        // A store that is away keeps nobody from being told.
        let stored = self.stored().await;
        if let Some(token) = stored.clone().flatten().filter(|token| self.is_good(token, refused)) {
            return Ok(state.current.insert(token).token.clone());
        }
        let issued = issue.await;
        state.failed = issued.as_ref().err().map(|outcome| (self.clock.now(), outcome.clone()));
        let own = ProviderToken { token: issued?, issued_at: now };
        let kept = match stored {
            Some(known) => self.keep(&own, known).await.filter(|token| self.is_good(token, refused)),
            None => None,
        };
        if refused.is_some() {
            state.replaced_at = Some(now);
        }
        Ok(state.current.insert(kept.unwrap_or(own)).token.clone())
    }

    fn is_good(&self, token: &ProviderToken, refused: Option<&str>) -> bool {
        self.clock.now() < token.issued_at.plus(self.life) && refused != Some(&token.token)
    }

    /// What is in the store, if it answers.
    async fn stored(&self) -> Option<Option<ProviderToken>> {
        let tokens = self.mongo.as_ref()?.provider_tokens();
        tokens.find(&self.id).await.or_log("find the token of a push service")
    }

    async fn keep(&self, own: &ProviderToken, known: Option<ProviderToken>) -> Option<ProviderToken> {
        let tokens = self.mongo.as_ref()?.provider_tokens();
        let keeping = tokens.replace(&self.id, own, known.map(|token| token.issued_at));
        keeping.await.or_log("share the token of a push service")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        future::{Ready, ready},
        sync::atomic::{AtomicI64, Ordering},
    };

    fn shared() -> SharedToken {
        let (life, pause) = (Duration::from_mins(40), Duration::from_mins(20));
        SharedToken::new("apns".to_owned(), life, pause, None, Clock(|| Timestamp::from_millis(1_790_000_000_000)))
    }

    fn issue(token: &str) -> Ready<Result<String, Outcome>> {
        ready(Ok(token.to_owned()))
    }

    #[tokio::test]
    async fn one_token_serves_until_it_is_refused_and_another_one_is_made_once() {
        let shared = shared();

        assert_eq!(shared.get(None, issue("a")).await, Ok("a".to_owned()));
        assert_eq!(shared.get(None, issue("b")).await, Ok("a".to_owned()));
        assert_eq!(shared.get(Some("a"), issue("b")).await, Ok("b".to_owned()));
        // Who was refused with the first one as well.
        assert_eq!(shared.get(Some("a"), issue("c")).await, Ok("b".to_owned()));
        assert!(matches!(shared.get(Some("b"), issue("c")).await, Err(Outcome::Failed(_))));
    }

    #[tokio::test]
    async fn token_that_was_not_issued_is_asked_for_again_after_a_while() {
        static NOW: AtomicI64 = AtomicI64::new(1_790_000_000_000);
        let clock = Clock(|| Timestamp::from_millis(NOW.load(Ordering::Relaxed)));
        let shared = SharedToken { clock, ..shared() };
        let again = Outcome::Again(None);

        assert_eq!(shared.get(None, ready(Err(again.clone()))).await, Err(again.clone()));
        assert_eq!(shared.get(None, issue("a")).await, Err(again));
        NOW.fetch_add(5_000, Ordering::Relaxed);
        assert_eq!(shared.get(None, issue("a")).await, Ok("a".to_owned()));
    }
}
