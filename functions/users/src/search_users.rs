use crate::App;
use axum::extract::State;
use contract::{Listed, ProfileView, SearchQuery};
use domain::{Fault, NameQuery};
use mongo::Bucket;
use mysql::NameKey;
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Json, Query, QueryProblems, StoreProblems};

/// Searches people by the beginning of their names.
///
/// People who have blocked the caller are not found.
#[utoipa::path(
    get, path = "/users/search", operation_id = "search_users", tag = "users", security(("bearer" = [])),
    params(SearchQuery),
    responses(
        (status = 200, description = "A page of profiles, by name.", body = Listed<ProfileView>),
        QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn search_users(
    State(app): State<App>,
    caller: Bearer,
    Query(query): Query<SearchQuery>,
) -> ApiResult<Json<Listed<ProfileView>>> {
    let (size, after) = contract::page::<NameKey>(query.limit, query.cursor.as_deref())?;
    let name = NameQuery::parse(&query.q).map_err(|reason| Fault::field("q", reason))?;
    caller.spend(&app.projector.mongo, Bucket::Searches, app.limits.searches).await?;
    let page = app.projector.mysql.users().search(&name, caller.id, after.as_ref(), size).await?;
    Ok(Json(Listed::of(page, ProfileView::from)?))
}
