use crate::{App, UploadProblems, parts, view::signed};
use axum::extract::State;
use contract::{NewParts, ParsedPart, PartRequest, PartRequests};
use domain::{Code, Fault, Invalid, UploadId, UploadState, UserId, parts_of};
use tracing::instrument;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(PartProblems: UploadArrived);

/// Brings requests that send parts of a file.
///
/// Each holds for an hour and may be repeated. Several parts may be sent at once. A client that was interrupted asks
/// `GET /uploads/{id}` for what has `received`, and then for the rest.
#[utoipa::path(
    post, path = "/uploads/{id}/parts", operation_id = "create_part_requests", tag = "uploads",
    security(("bearer" = [])),
    params(("id" = UploadId, Path, description = "The upload's id.", example = "9f2c4d1e8a7b4c3d9e0f112233445566")),
    request_body = NewParts,
    responses(
        (status = 200, description = "A request for each part.", body = PartRequests),
        UploadProblems, PartProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, upload.id = %id))]
pub(crate) async fn create_part_requests(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UploadId>,
    Json(new): Json<NewParts>,
) -> ApiResult<Json<PartRequests>> {
    Ok(Json(PartRequests { items: requests(&app, caller.id, id, new).await? }))
}

async fn requests(app: &App, owner: UserId, id: UploadId, new: NewParts) -> Result<Vec<PartRequest>, Fault> {
    let upload = app.find_own(owner, id).await?;
    if parts_of(upload.size).is_none() {
        return Err(Fault::field("parts", Invalid::Unsupported));
    }
    let parsed = new.parse(upload.size)?;
    let multipart = if upload.state == UploadState::Pending { parts::begin(app, &upload).await? } else { None };
    let Some(multipart) = multipart else {
        // It may have been deleted meanwhile.
        app.find_own(owner, id).await?;
        return Err(Code::UploadArrived.into());
    };
    let (mut items, now) = (Vec::new(), app.clock.now());
    for ParsedPart { number, size, sha256 } in parsed {
        let request = app.files.part_link(id, &multipart, number, size, sha256.as_str(), now).await?;
        items.push(PartRequest { number, request: signed(request) });
    }
    Ok(items)
}
