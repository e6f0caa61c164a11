//! The same search by an index of Atlas, which finds other forms of the words too.

use super::{Awaited, FoundRows, Run};
use contract::{SearchPosition, TextRange};
use domain::{
    Fault, MessageId, OrLog as _,
    message_search::{Gram, Mark, MessageQuery},
};
use mongo::{AtlasHit, AtlasSearch};
use std::{collections::HashMap, sync::Arc};

/// Where a search for other forms of words is asked.
#[derive(Debug, Clone)]
pub struct Atlas {
    index: Arc<str>,
    /// That the index is there.
    there: Awaited,
}

impl Atlas {
    /// An index by its name.
    pub fn new(index: &str) -> Self {
        Self { index: index.into(), there: Awaited::default() }
    }
}

impl Run<'_> {
    /// Whether the index is there; looked at once a minute until it is. Without it the grams of the messages do, and for this page if
    /// the server does not say.
    pub(super) async fn has_atlas(&mut self, atlas: &Atlas) -> Result<bool, Fault> {
        let now = self.clock().now();
        // Where another environment has found the index, it is there now.
        let goes_on = matches!(self.query.after, Some(SearchPosition::Token(_)));
        if let Some(is_there) = atlas.there.known(now).filter(|is_there| *is_there || !goes_on) {
            return Ok(is_there);
        }
        self.counts.trips += 1;
        let found = self.messenger.mongo.messages().has_search_index(&atlas.index).await;
        let found = if goes_on { Some(found?) } else { found.or_log("look for the search index of Atlas") };
        let Some(is_there) = found else { return Ok(false) };
        atlas.there.note(is_there, now);
        if !is_there {
            tracing::warn!(index = &*atlas.index, "Found no search index of Atlas; searching by grams");
        }
        Ok(is_there)
    }

    /// The newest messages that the index finds.
    pub(super) async fn ask_atlas(&mut self, atlas: &Atlas) -> Result<FoundRows, Fault> {
        let (rooms, has_more_rooms) = self.rooms().await?;
        if rooms.is_empty() {
            return Ok(FoundRows::default());
        }
        let query = self.query;
        let marks: Vec<_> = query.marks().map(Mark::gram).collect();
        let grams: Vec<Gram> = query.search.query.as_ref().map(MessageQuery::grams).unwrap_or_default();
        let words = query.search.text.as_deref().map(|text| (text, &*grams));
        let after = match &query.after {
            Some(SearchPosition::Token(token)) => Some(token.as_str()),
            _ => None,
        };
        let span = mongo::Span { since: query.search.since, before: query.search.until };
        let search = AtlasSearch { index: &atlas.index, rooms: &rooms, span, marks: &marks, words, after };
        self.counts.trips += 1;
        let messages = self.messenger.mongo.messages().seen_by(query.user);
        let mut hits = messages.search_atlas(&search, query.size.and_one()).await?;
        self.counts.candidates += hits.len();
        let is_full = hits.len() > query.limit();
        hits.truncate(query.limit());
        let next = hits.last().filter(|_| is_full).map(|last| SearchPosition::Token(last.token.clone()));
        hits.retain(|hit| self.is_shown(hit));
        let ranges = hits.iter().map(|hit| (hit.row.message.id, ranges(hit))).collect();
        let rows = hits.into_iter().map(|hit| hit.row).collect();
        Ok(FoundRows { rows, incomplete: next.is_none() && has_more_rooms, next, ranges })
    }

    /// The index follows the messages a moment later.
    fn is_shown(&self, AtlasHit { row, .. }: &AtlasHit) -> bool {
        let message = &row.message;
        let is_there = message.deleted_at.is_none() && message.system.is_none();
        is_there && !message.hidden_for.contains(&self.query.user) && self.query.has_marks(message)
    }
}

/// Where the pieces that were found stand in a text, if it is still the one that the index knows.
fn ranges(hit: &AtlasHit) -> Vec<TextRange> {
    let content = &hit.row.message.content;
    let mut ranges = Vec::new();
    for passage in &hit.passages {
        let whole: String = passage.iter().map(|(piece, _)| piece.as_str()).collect();
        let Some(begin) = content.find(&whole) else { continue };
        let mut at = units(content.get(..begin).unwrap_or_default());
        for (piece, is_hit) in passage {
            let end = at + units(piece);
            if *is_hit {
                ranges.push(at..end);
            }
            at = end;
        }
    }
    ranges.sort_by_key(|range| range.start);
    ranges.truncate(MOST_RANGES);
    ranges.into_iter().map(TextRange::from).collect()
}

/// The most ranges that a message is shown with.
const MOST_RANGES: usize = 20;

fn units(text: &str) -> u32 {
    u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX)
}

/// What the index says of where hits stand, for messages whose words do not.
pub(super) type Ranges = HashMap<MessageId, Vec<TextRange>>;
