//! Looking messages up in some rooms: first all at once, and where that is too much, in windows of time.

use super::{Run, SearchMessages};
use contract::SearchPosition;
use domain::{Clock, Fault, Message, Timestamp, message_search::Gram};
use mongo::{Reading, ReadingEnd, SearchArea, Stored};
use std::{ops::ControlFlow, time::Duration};

/// What was found in some rooms.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) hits: Vec<Stored>,
    /// Down to when these are all there are; without it, they are all.
    pub(super) floor: Option<Timestamp>,
}

/// How far candidates were compared.
enum Reached {
    /// All of them.
    End,
    /// Down to a moment, which is included: there is one more hit than the page has.
    Full(Timestamp),
    /// There was no time for more: down to a moment, which is included; `None` if it was not even time for those of one moment.
    Part(Option<Timestamp>),
}

/// Up to what candidates are compared.
#[derive(Clone, Copy)]
struct Limits {
    clock: Clock,
    /// The end of the time.
    until: Timestamp,
    /// The most candidates.
    most: usize,
    /// After so many the time is looked at.
    pace: usize,
}

/// Keeps what matches until there is one more than the page has, and everything of the moment of that one. Over its limits it stops as
/// soon as one moment is compared whole, so that whoever goes on there comes further each time.
struct Sieve<'a> {
    query: &'a SearchMessages<'a>,
    limits: Limits,
    hits: Vec<Stored>,
    read: usize,
    /// When the first candidate was sent, which is the newest.
    newest: Option<Timestamp>,
    /// When the last one was sent.
    oldest: Option<Timestamp>,
    /// When the hit was sent that is too many.
    full_at: Option<Timestamp>,
    is_over: bool,
}

impl Run<'_> {
    /// The newest messages of some rooms that match. Where the time is over already, those of the least window there can be.
    pub(super) async fn look_up_in(&mut self, mut area: SearchArea, grams: &[Gram]) -> Result<Collected, Fault> {
        if area.span.since.zip(area.span.before).is_some_and(|(since, before)| before <= since) {
            return Ok(Collected::default());
        }
        let Some(grams) = self.rarest_first(&area, grams).await? else { return Ok(Collected::default()) };
        let mut hits = Vec::new();
        let now = self.clock().now();
        if now < self.deadline {
            let until = self.deadline.min(now.plus(self.effort.first_try));
            // None at all would be no limit.
            let most_time = Some(now.until(until).max(Duration::from_millis(1)));
            let limits = Limits { until, most: self.effort.candidates, ..self.limits() };
            let (reached, found) = self.sift(&area, &grams, most_time, limits, hits).await?;
            match reached {
                Reached::End => return Ok(Collected { hits: found, floor: None }),
                Reached::Full(at) => return Ok(Collected { hits: found, floor: Some(at) }),
                Reached::Part(at) => area.span.before = at.or(area.span.before),
            }
            hits = found;
        }
        self.look_through_windows(area, &grams, hits).await
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

    /// One window after the other until there is enough, or no time: each has so many messages with the rarest gram. Adds to what was
    /// found above the area.
    async fn look_through_windows(
        &mut self,
        mut area: SearchArea,
        grams: &[Gram],
        mut hits: Vec<Stored>,
    ) -> Result<Collected, Fault> {
        let Some(rarest) = grams.first().copied() else { return Ok(Collected::default()) };
        loop {
            let size = if self.is_late() { self.effort.pace } else { self.effort.window };
            self.counts.trips += 1;
            let messages = self.messenger.mongo.messages();
            let boundary = messages.find_boundary(&mut self.causal, &area, rarest, size).await?;
            let mut window = area.clone();
            window.span.since = boundary.or(area.span.since);
            let (reached, found) = self.sift(&window, grams, None, self.limits(), hits).await?;
            let floor = match reached {
                Reached::End if boundary.is_some() && !self.is_late() => {
                    hits = found;
                    area.span.before = boundary;
                    continue;
                }
                Reached::End => boundary,
                Reached::Full(at) | Reached::Part(Some(at)) => Some(at),
                Reached::Part(None) => return Err(Fault::unavailable("MongoDB read nothing in its time")),
            };
            return Ok(Collected { hits: found, floor });
        }
    }

    /// Reads candidates and adds those that match to what was found before.
    async fn sift(
        &mut self,
        area: &SearchArea,
        grams: &[Gram],
        most_time: Option<Duration>,
        limits: Limits,
        hits: Vec<Stored>,
    ) -> Result<(Reached, Vec<Stored>), Fault> {
        self.counts.trips += 1;
        let mut sieve = Sieve::new(self.query, limits, hits);
        let batch = u32::try_from(self.query.size.get()).unwrap_or(u32::MAX).saturating_add(8);
        let messages = self.messenger.mongo.messages().seen_by(self.query.user);
        let reading = Reading { batch, most_time };
        let end = messages.read_candidates(&mut self.causal, area, grams, reading, |row| sieve.take(row)).await?;
        self.counts.candidates += sieve.read;
        Ok(sieve.finish(end))
    }

    fn limits(&self) -> Limits {
        let pace = usize::try_from(self.effort.pace).unwrap_or(usize::MAX);
        Limits { clock: self.clock(), until: self.deadline, most: usize::MAX, pace }
    }
}

impl<'a> Sieve<'a> {
    fn new(query: &'a SearchMessages<'a>, limits: Limits, hits: Vec<Stored>) -> Self {
        Self { query, limits, hits, read: 0, newest: None, oldest: None, full_at: None, is_over: false }
    }

    fn take(&mut self, row: Stored) -> ControlFlow<()> {
        let message = &row.message;
        let sent_at = message.created_at;
        match self.full_at {
            Some(full_at) if sent_at < full_at => return ControlFlow::Break(()),
            Some(_) => {}
            None => {
                self.oldest = Some(sent_at);
                self.is_over |= self.is_over_limits();
                if self.is_over && self.newest.is_some_and(|newest| sent_at < newest) {
                    return ControlFlow::Break(());
                }
            }
        }
        self.newest.get_or_insert(sent_at);
        self.read += 1;
        if self.is_behind(message) && self.query.accepts(message) {
            self.hits.push(row);
            if self.hits.len() > self.query.limit() {
                self.full_at.get_or_insert(sent_at);
            }
        }
        ControlFlow::Continue(())
    }

    fn is_over_limits(&self) -> bool {
        let Limits { clock, until, most, pace } = self.limits;
        self.read >= most || self.read > 0 && self.read.is_multiple_of(pace) && clock.now() >= until
    }

    /// How far the reading came, and the hits down to there.
    fn finish(mut self, end: ReadingEnd) -> (Reached, Vec<Stored>) {
        let reached = match (end, self.full_at) {
            (ReadingEnd::Complete | ReadingEnd::Stopped, Some(full_at)) => Reached::Full(full_at),
            (ReadingEnd::Complete, None) => Reached::End,
            (ReadingEnd::Stopped, None) | (ReadingEnd::GivenUp, _) => {
                // Of the last moment there may be more.
                let above = self.oldest.filter(|oldest| self.newest.is_some_and(|newest| *oldest < newest));
                let above = above.map(|oldest| oldest.plus(Duration::from_millis(1)));
                self.hits.retain(|row| above.is_some_and(|above| row.message.created_at >= above));
                Reached::Part(above)
            }
        };
        (reached, self.hits)
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
