//! Going through one room, for words too short to be looked up.

use super::{FoundRows, Run};
use contract::SearchPosition;
use domain::{Fault, MessageId, RoomKey, Seq};
use mongo::ReadingEnd;
use std::{collections::HashMap, ops::ControlFlow};

impl Run<'_> {
    /// The newest messages of a room that match, by `seq`, until there are enough or the time is over.
    pub(super) async fn walk(&mut self, room: RoomKey) -> Result<FoundRows, Fault> {
        self.enter(room).await?;
        let (query, effort, begun) = (self.query, self.effort, self.begun);
        let below = match &query.after {
            Some(SearchPosition::Below(seq)) => Some(*seq),
            _ => None,
        };
        let (mut hits, mut last, mut read): (Vec<(Seq, MessageId)>, _, _) = (Vec::new(), None, 0_usize);
        let batch = usize::try_from(effort.walk).unwrap_or(usize::MAX);
        let take = |row: mongo::WalkedMessage| {
            read += 1;
            last = Some(row.seq);
            if row.is_shown && query.spans(row.created_at) && query.contains_words(&row.content) {
                hits.push((row.seq, row.id));
            }
            let is_late = read.is_multiple_of(batch) && begun.elapsed() >= effort.time;
            if hits.len() > query.limit() || is_late { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let messages = self.messenger.mongo.messages().seen_by(query.user);
        let end = messages.walk(&mut self.causal, room, below, effort.walk, take).await?;
        self.counts.trips += 1 + read / batch.max(1);
        self.counts.candidates += read;
        let is_full = hits.len() > query.limit();
        hits.truncate(query.limit());
        let next = if is_full { hits.last().map(|(seq, _)| *seq) } else { last.filter(|_| end == ReadingEnd::Stopped) };
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
