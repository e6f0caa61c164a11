use crate::App;
use axum::extract::State;
use contract::{MessageHits, MessageSearchQuery, SearchPosition};
use domain::{Fault, Invalid, UserId};
use messaging::{FoundMessages, SearchMessages};
use mongo::Bucket;
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Json, Query, QueryProblems, StoreProblems};

web::problems!(SearchProblems: RoomNotFound);

/// Searches messages in the rooms that the caller is in, the newest first.
///
/// A message is found by any part of its words that has two Korean syllables, or three letters or digits: `회의` finds `회의록을`. A word
/// of two letters or digits is found where a word begins. One syllable, and signs alone, are found in one room only (`room_id`). Only the
/// first 2,000 characters of a message are searched. Deleted messages, notices of the room and what the caller has hidden are not found.
#[utoipa::path(
    get, path = "/messages/search", operation_id = "search_messages", tag = "messages", security(("bearer" = [])),
    params(MessageSearchQuery),
    responses(
        (status = 200, description = "A page of messages.", body = MessageHits),
        SearchProblems, QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn search_messages(
    State(app): State<App>,
    caller: Bearer,
    Query(query): Query<MessageSearchQuery>,
) -> ApiResult<Json<MessageHits>> {
    let (size, key) = contract::page(query.limit, query.cursor.as_deref())?;
    let (search, name) = (query.parse()?, name(&app, caller.id, &query)?);
    let after = position(key, name)?;
    caller.spend(&app.messenger.mongo, Bucket::MessageSearches, app.limits.message_searches).await?;
    let search = SearchMessages { user: caller.id, search: &search, size, after };
    let found = Box::pin(messaging::search_messages(&app.messenger, &app.searcher, &search)).await?;
    Ok(Json(page(found, name)?))
}

/// What tells the cursors of a search from those of another one.
fn name(app: &App, user: UserId, query: &MessageSearchQuery) -> Result<u64, Fault> {
    let hash = app.fingerprints.of(&[b"search", &user.0.to_be_bytes(), &query.identity()?]);
    Ok(hash.first_chunk().map_or(0, |hash| u64::from_be_bytes(*hash)))
}

fn position(key: Option<(u64, SearchPosition)>, name: u64) -> Result<Option<SearchPosition>, Fault> {
    match key {
        Some((of, _)) if of != name => Err(Fault::field("cursor", Invalid::BadFormat)),
        key => Ok(key.map(|(_, position)| position)),
    }
}

fn page(found: FoundMessages, name: u64) -> Result<MessageHits, Fault> {
    let FoundMessages { hits: items, next, incomplete } = found;
    let next_cursor = next.map(|position| contract::cursor_of((name, position))).transpose()?;
    Ok(MessageHits { items, next_cursor, incomplete })
}
