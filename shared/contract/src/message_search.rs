use crate::MessageView;
use domain::{
    Fault, Invalid, MessageId, RoomId, RoomKey, RoomKind, Seq, Timestamp, UserId,
    message_search::{Mark, MessageQuery},
};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ArrayBuilder, ObjectBuilder, Schema, Type},
    },
};

/// A search for messages in the rooms that the caller is in now. At least one of `q`, `from`, `has` and `mentions_me` must be given.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessageSearchQuery {
    /// 1 to 100 characters and at most 10 words, which a message must all contain, in any order and case: `회의` finds `회의록을`.
    /// Between Korean words blanks make no difference. What stands in `"quotation marks"` is found literally. One syllable, or what has
    /// no letters, can be searched in one room only.
    #[param(example = "회의록", min_length = 1)]
    pub q: Option<String>,
    /// Searches in one room only.
    #[param(example = 12)]
    pub room_id: Option<RoomId>,
    /// The kind of that room; `private` unless given.
    #[param(example = "private")]
    pub room_type: Option<RoomKind>,
    /// Finds messages of one author, who may have left since.
    #[param(example = 3)]
    pub from: Option<UserId>,
    /// Finds messages with a link, or of one type: `link`, `image`, `file`, `voice` or `video`.
    #[param(example = "link", pattern = "^(link|image|file|voice|video)$")]
    pub has: Option<String>,
    /// True: finds messages that mention the caller by name.
    pub mentions_me: Option<bool>,
    /// Finds messages sent at this moment or later, as in RFC 3339.
    #[param(example = "2026-09-20T15:00:00Z", format = DateTime)]
    pub since: Option<String>,
    /// Finds messages sent before this moment, as in RFC 3339.
    #[param(example = "2026-09-21T15:00:00Z", format = DateTime)]
    pub until: Option<String>,
    /// The number of items, 1 to 100; 30 unless given.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<i64>,
    /// The `next_cursor` of the page before, with the same other parameters; the first page unless given.
    #[param(min_length = 1)]
    pub cursor: Option<String>,
}

/// A page of a search, the newest message first. A view of what is there now: it takes the place of no `sync`.
#[derive(Serialize, ToSchema)]
pub struct MessageHits {
    /// The messages. There may be fewer than asked for, or none, although there are more: `next_cursor` says so.
    pub items: Vec<MessageHit>,
    /// The `cursor` of the next page; null at the end.
    #[schema(required = true, example = "WzEyLHsiQWZ0ZXIiOlsxLG51bGxdfV0")]
    pub next_cursor: Option<String>,
    /// True if this page took too long: ask on with `next_cursor`. Where that is null, some old messages or rooms without news for long
    /// were not searched. False if the page is full or the last one.
    pub incomplete: bool,
}

/// A message that a search found.
#[derive(Serialize, ToSchema)]
pub struct MessageHit {
    /// The message, whole and as of now. Show what stands around it by `around` of its room.
    pub message: MessageView,
    /// Where the words of `q` stand in `content`, ascending, at most 20. Empty without `q`.
    pub ranges: Vec<TextRange>,
}

/// A part of a text, in UTF-16 code units as strings of JavaScript, Kotlin, Swift's `NSString` and Dart count them: its beginning, and
/// the unit after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TextRange([u32; 2]);

/// Where a page of a search begins, as its cursor says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SearchPosition {
    /// Behind messages of this moment, in milliseconds, from the newest on; without one, behind all of them.
    Behind(i64, Option<MessageId>),
    /// Below this number of the only room.
    Below(Seq),
    /// Where a search index says.
    Token(String),
}

/// A search whose parameters are good.
#[derive(Clone)]
pub struct MessageSearch {
    /// What the text must contain.
    pub query: Option<MessageQuery>,
    /// The same as it was written.
    pub text: Option<String>,
    /// Where.
    pub room: Option<RoomKey>,
    /// By whom.
    pub author: Option<UserId>,
    /// A link, or the type of the message.
    pub has: Option<Mark>,
    /// Whether the message must mention whoever searches.
    pub mentions_me: bool,
    /// The first moment.
    pub since: Option<Timestamp>,
    /// The moment before which it was sent.
    pub until: Option<Timestamp>,
}

impl MessageSearchQuery {
    /// The search, or the first parameter that is refused.
    pub fn parse(&self) -> Result<MessageSearch, Fault> {
        let field = |name: &'static str| move |reason| Fault::field(name, reason);
        let query = self.q.as_deref().map(MessageQuery::parse).transpose().map_err(field("q"))?;
        let has = self.has.as_deref().map(mark).transpose().map_err(field("has"))?;
        let mentions_me = self.mentions_me == Some(true);
        if query.is_none() && self.from.is_none() && has.is_none() && !mentions_me {
            return Err(Fault::field("q", Invalid::Required));
        }
        if self.room_type.is_some() && self.room_id.is_none() {
            return Err(Fault::field("room_type", Invalid::Contradiction));
        }
        let since = self.since.as_deref().map(moment).transpose().map_err(field("since"))?;
        let until = self.until.as_deref().map(moment).transpose().map_err(field("until"))?;
        if since.zip(until).is_some_and(|(since, until)| until <= since) {
            return Err(Fault::field("until", Invalid::Contradiction));
        }
        let kind = self.room_type.unwrap_or(RoomKind::Private);
        let room = self.room_id.map(|id| RoomKey { kind, id });
        let text = self.q.as_deref().map(|q| q.trim().to_owned());
        let search = MessageSearch { query, text, room, author: self.from, has, mentions_me, since, until };
        if room.is_none() && !search.has_grams() {
            return Err(Fault::field("q", Invalid::TooShort));
        }
        Ok(search)
    }

    /// All that makes it this search and no other: a cursor of one is none of another.
    pub fn identity(&self) -> Result<Vec<u8>, Fault> {
        let Self { q, room_id, room_type, from, has, mentions_me, since, until, limit: _, cursor: _ } = self;
        serde_json::to_vec(&(q, room_id, room_type, from, has, mentions_me, since, until)).map_err(Fault::internal)
    }
}

impl MessageSearch {
    /// Whether messages can be looked up by what they must have; if not, one room can be gone through.
    pub fn has_grams(&self) -> bool {
        let is_filtered = self.author.is_some() || self.has.is_some() || self.mentions_me;
        is_filtered || self.query.as_ref().is_some_and(|query| !query.grams().is_empty())
    }
}

impl From<Range<u32>> for TextRange {
    fn from(Range { start, end }: Range<u32>) -> Self {
        Self([start, end])
    }
}

impl PartialSchema for TextRange {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
        let text = "A part of a text, in UTF-16 code units as strings of JavaScript, Kotlin, Swift's `NSString` and Dart count them: \
                    its beginning, and the unit after its end.";
        let range = ArrayBuilder::new().items(number).min_items(Some(2)).max_items(Some(2));
        range.description(Some(text)).examples([serde_json::json!([3, 5])]).into()
    }
}

impl ToSchema for TextRange {}

fn mark(word: &str) -> Result<Mark, Invalid> {
    match word {
        "link" => Ok(Mark::Link),
        "image" => Ok(Mark::Image),
        "file" => Ok(Mark::File),
        "voice" => Ok(Mark::Voice),
        "video" => Ok(Mark::Video),
        _ => Err(Invalid::Unsupported),
    }
}

/// A moment outside the years that can be shown is none either.
fn moment(text: &str) -> Result<Timestamp, Invalid> {
    Timestamp::parse(text).map_err(|_| Invalid::BadFormat)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(q: &str) -> MessageSearchQuery {
        MessageSearchQuery { q: Some(q.to_owned()), ..Default::default() }
    }

    fn refusal(query: &MessageSearchQuery) -> (String, Invalid) {
        let fault = query.parse().err().unwrap();
        (fault.fields[0].field.to_string(), fault.fields[0].reason)
    }

    #[test]
    fn search_needs_words_or_a_filter() {
        let nothing = || MessageSearchQuery { q: None, ..query("") };
        assert_eq!(refusal(&nothing()), ("q".to_owned(), Invalid::Required));
        assert_eq!(refusal(&MessageSearchQuery { mentions_me: Some(false), ..nothing() }).1, Invalid::Required);
        assert_eq!(refusal(&MessageSearchQuery { since: Some("2026-01-01T00:00:00Z".to_owned()), ..nothing() }).0, "q");
        for filtered in [
            MessageSearchQuery { from: Some(UserId(3)), ..nothing() },
            MessageSearchQuery { has: Some("image".to_owned()), ..nothing() },
            MessageSearchQuery { mentions_me: Some(true), ..nothing() },
        ] {
            assert!(filtered.parse().is_ok_and(|search| search.has_grams()));
        }
    }

    #[test]
    fn refused_parameter_is_named() {
        let text = |text: &str| Some(text.to_owned());
        let (early, late) = ("2026-01-01T00:00:00+09:00", "2025-12-31T15:00:00Z");
        for (bad, field, reason) in [
            (query(" "), "q", Invalid::Blank),
            (query(&"가".repeat(101)), "q", Invalid::TooLong),
            (query("안녕\u{0}"), "q", Invalid::ControlCharacter),
            (query("밥"), "q", Invalid::TooShort),
            (MessageSearchQuery { has: text("text"), ..query("회의") }, "has", Invalid::Unsupported),
            (
                MessageSearchQuery { room_type: Some(RoomKind::Group), ..query("회의") },
                "room_type",
                Invalid::Contradiction,
            ),
            (MessageSearchQuery { since: text("yesterday"), ..query("회의") }, "since", Invalid::BadFormat),
            (MessageSearchQuery { until: text("2026-13-01T00:00:00Z"), ..query("회의") }, "until", Invalid::BadFormat),
            (
                MessageSearchQuery { since: text(early), until: text(late), ..query("회의") },
                "until",
                Invalid::Contradiction,
            ),
        ] {
            assert_eq!(refusal(&bad), (field.to_owned(), reason));
        }
        assert!(MessageSearchQuery { room_id: Some(RoomId(1)), ..query("밥") }.parse().is_ok());
    }

    #[test]
    fn page_and_its_size_make_no_other_search() {
        let page = MessageSearchQuery { limit: Some(5), cursor: Some("x".to_owned()), ..query("회의") };
        assert_eq!(page.identity().unwrap(), query("회의").identity().unwrap());
        assert_ne!(query("회의").identity().unwrap(), query("회의록").identity().unwrap());
    }
}
