mod atlas;
mod awaited;
mod chunk;
mod walk;

use crate::{Messenger, list::show};
pub use atlas::Atlas;

use atlas::Ranges;
use awaited::Awaited;
use chunk::Collected;
use contract::{MessageHit, MessageSearch, MessageView, SearchPosition};
use domain::{
    Clock, Code, Fault, Invalid, Message, PageSize, RoomKey, RoomKind, Timestamp, UserId,
    message_search::{Gram, Mark, MessageQuery, marks},
};
use mongo::{Causal, Mongo, SearchArea, Span, Stored};
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

/// How much one search may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchEffort {
    /// Rooms: those with the newest messages.
    pub rooms: u32,
    /// Rooms of one command. Of more than 200 the server would sort everything.
    pub chunk: usize,
    /// Grams of a query; what the others say is compared.
    pub grams: usize,
    /// As far as the messages with a gram are counted.
    pub counted: i64,
    /// Candidates that are read before the search goes on in windows.
    pub candidates: usize,
    /// The time for these.
    pub first_try: Duration,
    /// Messages with a gram in a window.
    pub window: u64,
    /// After so long the page ends as soon as it has come further than the one before.
    pub time: Duration,
    /// After so many messages the time is looked at. A window that is begun late has as many.
    pub pace: u64,
    /// Messages of one batch where a room is gone through.
    pub walk: u32,
}

/// What searches of an environment share.
#[derive(Debug, Clone)]
pub struct Searcher {
    /// How much one of them may look at.
    pub effort: SearchEffort,
    /// The index of Atlas that is asked, if one is.
    pub atlas: Option<Atlas>,
    /// That every message can be found.
    backfilled: Awaited,
}

/// A page of a search is asked for.
pub struct SearchMessages<'a> {
    /// By whom.
    pub user: UserId,
    /// For what.
    pub search: &'a MessageSearch,
    /// How many messages at the most.
    pub size: PageSize,
    /// Where it begins.
    pub after: Option<SearchPosition>,
}

/// What was found.
pub struct FoundMessages {
    /// The messages, the newest first.
    pub hits: Vec<MessageHit>,
    /// Where the next page begins.
    pub next: Option<SearchPosition>,
    /// Whether something was left out: up to the next page where there is one, otherwise for good.
    pub incomplete: bool,
}

/// A page of the messages that match a search, for the rooms that the person is in. Who left a room meanwhile sees nothing of it.
pub async fn search_messages(
    messenger: &Messenger,
    searcher: &Searcher,
    query: &SearchMessages<'_>,
) -> Result<FoundMessages, Fault> {
    let (begun, effort) = (messenger.clock.now(), searcher.effort);
    let (deadline, causal) = (begun.plus(effort.time), messenger.mongo.causal().await?);
    let mut run = Run { messenger, query, effort, causal, begun, deadline, counts: Counts::default() };
    let grams = run.grams();
    let atlas = searcher.atlas.as_ref().filter(|_| query.may_ask_atlas() && !grams.is_empty());
    let atlas = if let Some(atlas) = atlas
        && run.has_atlas(atlas).await?
    {
        Some(atlas)
    } else {
        None
    };
    let page = match (atlas, query.search.room, &query.after) {
        (Some(atlas), ..) => run.ask_atlas(atlas).await?,
        (None, _, None | Some(SearchPosition::Behind(..))) if !grams.is_empty() => run.look_up(&grams).await?,
        (None, Some(room), None | Some(SearchPosition::Below(_))) if grams.is_empty() => run.walk(room).await?,
        _ => return Err(Fault::field("cursor", Invalid::BadFormat)),
    };
    let FoundRows { rows, next, mut incomplete, ranges } = page;
    let hits = run.show(rows, &ranges).await?;
    incomplete |= next.is_none() && !searcher.is_backfilled(messenger).await?;
    run.log(&grams, hits.len(), incomplete);
    Ok(FoundMessages { hits, next, incomplete })
}

impl SearchMessages<'_> {
    fn limit(&self) -> usize {
        usize::try_from(self.size.get()).unwrap_or(usize::MAX)
    }

    fn marks(&self) -> impl Iterator<Item = Mark> {
        let MessageSearch { author, has, mentions_me, .. } = self.search;
        let mention = mentions_me.then_some(Mark::Mention(self.user));
        author.map(Mark::Author).into_iter().chain(*has).chain(mention)
    }

    /// Whether a message is what is looked for: grams are hashed, and not all of them are used.
    fn accepts(&self, message: &Message) -> bool {
        self.has_marks(message) && self.contains_words(&message.content)
    }

    fn has_marks(&self, message: &Message) -> bool {
        let there = marks(message.user, &message.content, message.message_type, &message.mentions.people);
        self.marks().all(|mark| there.contains(&mark))
    }

    fn contains_words(&self, content: &str) -> bool {
        self.search.query.as_ref().is_none_or(|query| query.find(content).is_some())
    }

    /// Whether an index of Atlas may answer. What was begun without one goes on without, since environments may differ in whether they
    /// know one.
    fn may_ask_atlas(&self) -> bool {
        matches!(self.after, None | Some(SearchPosition::Token(_)))
    }

    /// Whether a message was sent in the time that is searched.
    fn spans(&self, at: Timestamp) -> bool {
        let MessageSearch { since, until, .. } = self.search;
        since.is_none_or(|since| since <= at) && until.is_none_or(|until| at < until)
    }
}

/// What was found before it is known whether all of it may be shown.
#[derive(Default)]
struct FoundRows {
    rows: Vec<Stored>,
    next: Option<SearchPosition>,
    incomplete: bool,
    /// Where hits stand whose words do not say it.
    ranges: Ranges,
}

/// One search under way.
struct Run<'a> {
    messenger: &'a Messenger,
    query: &'a SearchMessages<'a>,
    effort: SearchEffort,
    causal: Causal,
    begun: Timestamp,
    /// The end of its time.
    deadline: Timestamp,
    counts: Counts,
}

/// What a search looked at.
#[derive(Debug, Default)]
struct Counts {
    rooms: usize,
    /// Entries of the index that were counted.
    probed: i64,
    /// Messages that were read.
    candidates: usize,
    /// Commands one after the other.
    trips: usize,
}

impl Run<'_> {
    fn mongo(&self) -> &Mongo {
        &self.messenger.mongo
    }

    fn clock(&self) -> Clock {
        self.messenger.clock
    }

    fn is_late(&self) -> bool {
        self.clock().now() >= self.deadline
    }

    /// What messages are looked up by: the filters, and so many of the words' grams that it is not too much, evenly spaced.
    fn grams(&self) -> Vec<Gram> {
        let words = self.query.search.query.as_ref().map(MessageQuery::grams).unwrap_or_default();
        let mut grams: Vec<_> = self.query.marks().map(Mark::gram).collect();
        let most = self.effort.grams.saturating_sub(grams.len()).max(1);
        let count = words.len().min(most);
        grams.extend((0..count).map(|n| words[n * words.len() / count]));
        grams
    }

    /// Looks messages up by their grams, a chunk of rooms after the other. The time is that of all of them.
    async fn look_up(&mut self, grams: &[Gram]) -> Result<FoundRows, Fault> {
        let (rooms, has_more_rooms) = self.rooms().await?;
        let (mut rows, mut floor, mut span) = (Vec::new(), None, self.span());
        for (kind, rooms) in self.chunks(&rooms) {
            // Messages older than what an earlier chunk was searched down to are not needed.
            span.since = span.since.max(floor);
            let area = SearchArea { kind, rooms, span };
            let Collected { hits, floor: reached } = Box::pin(self.look_up_in(area, grams)).await?;
            rows.extend(hits);
            floor = floor.max(reached);
        }
        rows.retain(|row: &Stored| floor.is_none_or(|floor| row.message.created_at >= floor));
        rows.sort_by_key(|row| std::cmp::Reverse((row.message.created_at, row.message.id)));
        let is_full = rows.len() > self.query.limit();
        rows.truncate(self.query.limit());
        let last = rows.last().map(|row| SearchPosition::Behind(row.message.created_at.millis(), Some(row.message.id)));
        let next = if is_full { last } else { floor.map(|floor| SearchPosition::Behind(floor.millis(), None)) };
        let incomplete = if next.is_some() { !is_full } else { has_more_rooms };
        Ok(FoundRows { rows, next, incomplete, ranges: Ranges::new() })
    }

    /// Where to look, and whether there are more rooms.
    async fn rooms(&mut self) -> Result<(Vec<RoomKey>, bool), Fault> {
        let (user, most) = (self.query.user, self.effort.rooms);
        if let Some(room) = self.query.search.room {
            self.enter(room).await?;
            return Ok((vec![room], false));
        }
        self.counts.trips += 1;
        let mut rooms = self.messenger.mongo.rooms().list_latest(&mut self.causal, user, most + 1).await?;
        let has_more = rooms.len() > most as usize;
        rooms.truncate(most as usize);
        self.counts.rooms = rooms.len();
        Ok((rooms, has_more))
    }

    /// Refuses who is not in a room, as if it were not there.
    async fn enter(&mut self, room: RoomKey) -> Result<(), Fault> {
        let entered = self.entered(&HashSet::from([room])).await?;
        self.counts.rooms = 1;
        if entered.contains(&room) { Ok(()) } else { Err(Code::RoomNotFound.into()) }
    }

    async fn entered(&mut self, rooms: &HashSet<RoomKey>) -> Result<HashSet<RoomKey>, Fault> {
        self.counts.trips += usize::from(!rooms.is_empty());
        self.messenger.mongo.rooms().list_entered(&mut self.causal, self.query.user, rooms).await
    }

    fn chunks(&self, rooms: &[RoomKey]) -> Vec<(RoomKind, Vec<domain::RoomId>)> {
        let mut kinds: BTreeMap<&str, (RoomKind, Vec<_>)> = BTreeMap::new();
        for room in rooms {
            kinds.entry(room.kind.as_str()).or_insert((room.kind, Vec::new())).1.push(room.id);
        }
        let each = kinds.into_values();
        each.flat_map(|(kind, ids)| ids.chunks(self.effort.chunk).map(|ids| (kind, ids.to_vec())).collect::<Vec<_>>())
            .collect()
    }

    /// The time in which messages of this page were sent.
    fn span(&self) -> Span {
        let MessageSearch { since, until, .. } = *self.query.search;
        let behind = match &self.query.after {
            Some(SearchPosition::Behind(millis, None)) => Some(Timestamp::from_millis(*millis)),
            // Other messages of the same moment are still to come.
            Some(SearchPosition::Behind(millis, Some(_))) => Some(Timestamp::from_millis(millis.saturating_add(1))),
            Some(SearchPosition::Below(_) | SearchPosition::Token(_)) | None => None,
        };
        Span { since, before: until.into_iter().chain(behind).min() }
    }

    /// The messages of rooms that the person is still in, with their quotes, as of now.
    async fn show(&mut self, mut rows: Vec<Stored>, ranges: &Ranges) -> Result<Vec<MessageHit>, Fault> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let rooms = rows.iter().map(|row| row.message.room).collect();
        let entered = self.entered(&rooms).await?;
        rows.retain(|row| entered.contains(&row.message.room));
        let answered: Vec<_> = rows.iter().filter_map(|row| row.message.reply_to).collect();
        self.counts.trips += usize::from(!answered.is_empty());
        let quotes = self.mongo().messages().list_quotes(&answered).await?;
        let views = Box::pin(show(self.messenger, self.query.user, rows, &quotes)).await?;
        Ok(views.into_iter().filter_map(|message| self.hit(message, ranges)).collect())
    }

    /// A message that still is what was looked for.
    fn hit(&self, message: MessageView, ranges: &Ranges) -> Option<MessageHit> {
        if message.is_deleted {
            return None;
        }
        let ranges = match &self.query.search.query {
            None => Vec::new(),
            Some(query) => match query.find(&message.content) {
                Some(found) => found.into_iter().map(Into::into).collect(),
                // Other forms of the words.
                None => ranges.get(&message.id)?.clone(),
            },
        };
        Some(MessageHit { message, ranges })
    }

    /// Numbers alone: nobody reads in a log what somebody looked for.
    fn log(&self, grams: &[Gram], hits: usize, incomplete: bool) {
        let Counts { rooms, probed, candidates, trips } = self.counts;
        let (grams, ms) = (grams.len(), self.begun.until(self.clock().now()).as_millis());
        tracing::info!(grams, rooms, probed, candidates, hits, trips, ms, incomplete, "Searched messages");
    }
}

impl Searcher {
    /// Searches with so much effort.
    pub fn new(effort: SearchEffort) -> Self {
        Self { effort, atlas: None, backfilled: Awaited::default() }
    }

    /// Asks an index of Atlas, where it is there.
    #[must_use]
    pub fn with_atlas(self, atlas: Option<Atlas>) -> Self {
        Self { atlas, ..self }
    }

    /// Whether every message can be found; looked at once a minute until it is so.
    async fn is_backfilled(&self, messenger: &Messenger) -> Result<bool, Fault> {
        let now = messenger.clock.now();
        if let Some(is_backfilled) = self.backfilled.known(now) {
            return Ok(is_backfilled);
        }
        let is_backfilled = messenger.mongo.schema().is_backfilled().await?;
        self.backfilled.note(is_backfilled, now);
        Ok(is_backfilled)
    }
}

impl Default for Searcher {
    fn default() -> Self {
        Self::new(SearchEffort::default())
    }
}

impl Default for SearchEffort {
    fn default() -> Self {
        Self {
            rooms: 1_000,
            chunk: 200,
            grams: 8,
            counted: 1_000,
            candidates: 5_000,
            first_try: Duration::from_millis(250),
            window: 5_000,
            time: Duration::from_millis(800),
            pace: 64,
            walk: 2_000,
        }
    }
}
