use crate::App;
use axum::extract::State;
use domain::{Fault, NameQuery};
use mysql::NameKey;
use realtime::ProfileView;
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;
use web::{ApiResult, Caller, CallerProblems, Json, LimitProblems, Listed, Query, QueryProblems, StoreProblems};

/// Whom to look for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// The beginning of a username or of a shown name, or the initial consonants of its Hangul: 1 to 50 characters.
    #[param(example = "ㅎㄱㄷ")]
    q: String,
    /// 1 to 100; 30 unless given.
    limit: Option<i64>,
    /// The `next_cursor` of the page before; the first page unless given.
    cursor: Option<String>,
}

/// Looks for people by the beginning of their names.
///
/// Three round trips: the caller's session, the limit and the page.
#[utoipa::path(
    get, path = "/users/search", operation_id = "search_users", tag = "users", security(("bearer" = [])),
    params(SearchQuery),
    responses(
        (status = 200, description = "A page of profiles, by name", body = Listed<ProfileView>),
        LimitProblems, QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn search_users(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<SearchQuery>,
) -> ApiResult<Json<Listed<ProfileView>>> {
    let (size, after) = web::page::<NameKey>(query.limit, query.cursor.as_deref())?;
    let name = NameQuery::parse(&query.q).map_err(|reason| Fault::field("q", reason))?;
    app.projector.mongo.spend(&format!("search:{}", caller.id), app.search_limit).await?;
    let page = app.projector.mysql.users().search(&name, caller.id, after.as_ref(), size).await?;
    Ok(Json(Listed::of(page, ProfileView::from)?))
}
