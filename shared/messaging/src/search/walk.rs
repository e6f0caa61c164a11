//! Going through one room, for words too short to be looked up.

use super::{FoundRows, Run};
use contract::SearchPosition;
use domain::{Fault, MessageId, RoomKey, Seq, Timestamp};
use mongo::ReadingEnd;
use std::{collections::HashMap, ops::ControlFlow, time::Duration};

/// More than the clocks of writers differ by: messages lie in the order of `seq`, not of time.
const CLOCKS_DIFFER: Duration = Duration::from_mins(1);

impl Run<'_> {
    /// The newest messages of a room that match, by `seq`, until there are enough or the time is over.
    pub(super) async fn walk(&mut self, room: RoomKey) -> Result<FoundRows, Fault> {
        self.enter(room).await?;
        let (query, effort, clock, deadline) = (self.query, self.effort, self.clock(), self.deadline);
        let below = match &query.after {
            Some(SearchPosition::Below(seq)) => Some(*seq),
            _ => None,
        };
        let (mut hits, mut last, mut read): (Vec<(Seq, MessageId)>, _, _) = (Vec::new(), None, 0_u64);
        let mut is_through = false;
        let take = |row: mongo::WalkedMessage| {
            read += 1;
            last = Some(row.seq);
            // Notices may tell of what happened long before they were written.
            is_through = row.is_shown && is_long_before(row.created_at, query.search.since);
            if row.is_shown && query.spans(row.created_at) && query.contains_words(&row.content) {
                hits.push((row.seq, row.id));
            }
            let is_late = read.is_multiple_of(effort.pace) && clock.now() >= deadline;
            if is_through || is_late || hits.len() > query.limit() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let messages = self.messenger.mongo.messages().seen_by(query.user);
        let end = messages.walk(&mut self.causal, room, below, effort.walk, take).await?;
        let read = usize::try_from(read).unwrap_or(usize::MAX);
        self.counts.trips += 1 + read / usize::try_from(effort.walk.max(1)).unwrap_or(usize::MAX);
        self.counts.candidates += read;
        let is_full = hits.len() > query.limit();
        hits.truncate(query.limit());
        let has_more = end == ReadingEnd::Stopped && !is_through;
        let next = if is_full { hits.last().map(|(seq, _)| *seq) } else { last.filter(|_| has_more) };
        let rows = self.read_whole(&hits).await?;
        let incomplete = next.is_some() && !is_full;
        Ok(FoundRows { rows, next: next.map(SearchPosition::Below), incomplete, ..FoundRows::default() })
    }

    async fn read_whole(&mut self, hits: &[(Seq, MessageId)]) -> Result<Vec<mongo::Stored>, Fault> {
        let ids: Vec<_> = hits.iter().map(|(_, id)| *id).collect();
        self.counts.trips += usize::from(!ids.is_empty());
        let messages = self.messenger.mongo.messages().seen_by(self.query.user);
        let whole = messages.list_whole(&mut self.causal, &ids).await?;
        let mut whole: HashMap<_, _> = whole.into_iter().map(|row| (row.message.id, row)).collect();
        Ok(ids.iter().filter_map(|id| whole.remove(id)).collect())
    }
}

fn is_long_before(at: Timestamp, since: Option<Timestamp>) -> bool {
    since.is_some_and(|since| at < since.minus(CLOCKS_DIFFER))
}
