use crate::{App, create_block::view};
use axum::extract::State;
use contract::{BlockView, Listed, PageQuery};
use domain::UserId;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Query, QueryProblems, StoreProblems};

/// Lists the people whom the caller has blocked, by id.
#[utoipa::path(
    get, path = "/blocks", operation_id = "list_blocks", tag = "blocks", security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of blocks.", body = Listed<BlockView>),
        QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn list_blocks(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Listed<BlockView>>> {
    let (size, after) = query.parse::<UserId>()?;
    let page = app.projector.mysql.blocks().list(caller.id, after, size).await?;
    Ok(Json(Listed::of(page, view)?))
}
