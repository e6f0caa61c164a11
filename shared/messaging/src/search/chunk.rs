//! Looking messages up in some rooms: first all at once, and where that is too much, in windows of time.

use super::{Run, SearchMessages};
use contract::SearchPosition;
use domain::{Fault, Message, Timestamp, message_search::Gram};
use mongo::{Reading, ReadingEnd, SearchArea, Stored};
use std::ops::ControlFlow;

/// What was found in some rooms.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) hits: Vec<Stored>,
    /// Down to when these are all there are; without it, they are all.
    pub(super) floor: Option<Timestamp>,
}

/// Keeps what matches until there is one more than the page has, and everything of the moment of that one.
struct Sieve<'a> {
    query: &'a SearchMessages<'a>,
    hits: Vec<Stored>,
    read: usize,
    /// When the one that is too many was sent.
    full_at: Option<Timestamp>,
}

impl Run<'_> {
    /// The newest messages of some rooms that match.
    pub(super) async fn look_up_in(&mut self, area: SearchArea, grams: &[Gram]) -> Result<Collected, Fault> {
        if area.span.since.zip(area.span.before).is_some_and(|(since, before)| before <= since) {
            return Ok(Collected::default());
        }
        let Some(grams) = self.rarest_first(&area, grams).await? else { return Ok(Collected::default()) };
        let most_time = Some(self.effort.first_try);
        let first = Reading { batch: self.batch(), most_rows: self.effort.candidates, most_time };
        let (end, found) = self.sift(&area, &grams, first, Vec::new()).await?;
        if end == ReadingEnd::GivenUp { self.look_through_windows(area, &grams).await } else { Ok(found) }
    }

    /// The grams by how many messages have them; `None` if none has one of them.
    async fn rarest_first(&mut self, area: &SearchArea, grams: &[Gram]) -> Result<Option<Vec<Gram>>, Fault> {
        let mut grams = grams.to_vec();
        if grams.len() < 2 {
            return Ok(Some(grams));
        }
        self.counts.trips += 1;
        let messages = self.messenger.mongo.messages();
        let counts = messages.count_grams(&mut self.causal, area, &grams, self.effort.counted).await?;
        self.counts.probed += counts.iter().sum::<i64>();
        let mut counted: Vec<_> = counts.into_iter().zip(grams).collect();
        counted.sort_by_key(|(count, _)| *count);
        let is_there = counted.iter().all(|(count, _)| *count > 0);
        grams = counted.into_iter().map(|(_, gram)| gram).collect();
        Ok(is_there.then_some(grams))
    }

    /// One window after the other until there is enough, or no time: each has so many messages with the rarest gram.
    async fn look_through_windows(&mut self, mut area: SearchArea, grams: &[Gram]) -> Result<Collected, Fault> {
        let Some(rarest) = grams.first().copied() else { return Ok(Collected::default()) };
        let all = Reading { batch: self.batch(), most_rows: usize::MAX, most_time: None };
        let mut hits = Vec::new();
        loop {
            self.counts.trips += 1;
            let messages = self.messenger.mongo.messages();
            let boundary = messages.find_boundary(&mut self.causal, &area, rarest, self.effort.window).await?;
            let mut window = area.clone();
            window.span.since = boundary.or(area.span.since);
            let (_, found) = self.sift(&window, grams, all, hits).await?;
            if found.floor.is_some() || boundary.is_none() {
                return Ok(found);
            }
            if self.is_late() {
                return Ok(Collected { floor: boundary, ..found });
            }
            hits = found.hits;
            area.span.before = boundary;
        }
    }

    /// Reads candidates and adds those that match to what was found before.
    async fn sift(
        &mut self,
        area: &SearchArea,
        grams: &[Gram],
        reading: Reading,
        hits: Vec<Stored>,
    ) -> Result<(ReadingEnd, Collected), Fault> {
        self.counts.trips += 1;
        let mut sieve = Sieve { query: self.query, hits, read: 0, full_at: None };
        let messages = self.messenger.mongo.messages().seen_by(self.query.user);
        let end = messages.read_candidates(&mut self.causal, area, grams, reading, |row| sieve.take(row)).await?;
        self.counts.candidates += sieve.read;
        Ok((end, Collected { hits: sieve.hits, floor: sieve.full_at }))
    }

    fn batch(&self) -> u32 {
        u32::try_from(self.query.size.get()).unwrap_or(u32::MAX).saturating_add(8)
    }
}

impl Sieve<'_> {
    fn take(&mut self, row: Stored) -> ControlFlow<()> {
        self.read += 1;
        let message = &row.message;
        if self.full_at.is_some_and(|full_at| message.created_at < full_at) {
            return ControlFlow::Break(());
        }
        if self.is_behind(message) && self.query.accepts(message) {
            let sent_at = message.created_at;
            self.hits.push(row);
            if self.hits.len() > self.query.limit() {
                self.full_at.get_or_insert(sent_at);
            }
        }
        ControlFlow::Continue(())
    }

    /// Whether a message is on this page or a later one: of those sent at the same moment some were on the page before.
    fn is_behind(&self, message: &Message) -> bool {
        match &self.query.after {
            Some(SearchPosition::Behind(millis, Some(id))) => {
                (message.created_at.millis(), message.id) < (*millis, *id)
            }
            _ => true,
        }
    }
}
