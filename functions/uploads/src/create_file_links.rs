use crate::App;
use axum::extract::State;
use contract::{FileLink, FileLinks, FileVariant, NewLinks};
use domain::{Fault, UploadId};
use messaging::{FileAt, find_files};
use mongo::Bucket;
use tracing::instrument;
use web::{ApiResult, Bearer, BodyProblems, CallerProblems, Json, StoreProblems};

/// Returns links to files.
///
/// A file is found by whoever can read its message at the moment. A link lives for 10 minutes, that to a voice note or a video for as
/// long as it plays in addition, and an hour at the most; it may end earlier: whoever is answered 403 asks for another one. Cache
/// files by their id and variant, never by their link, since a file never changes. `GET` with a range is answered with that part.
///
/// A link to an `original` makes a browser save the file, but for where a page shows it as picture, voice or video.
#[utoipa::path(
    post, path = "/files/links", operation_id = "create_file_links", tag = "uploads", security(("bearer" = [])),
    request_body = NewLinks,
    responses(
        (status = 200, description = "A link to each file, or none, in the order asked for.", body = FileLinks),
        BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn create_file_links(
    State(app): State<App>,
    caller: Bearer,
    Json(new): Json<NewLinks>,
) -> ApiResult<Json<FileLinks>> {
    let wanted = new.parse()?;
    // One after the other: what is refused reads no messages.
    caller.spend(&app.mongo, Bucket::Links, app.limits.links).await?;
    let found = find_files(&app.mongo, caller.id, &wanted).await?;
    let named = wanted.iter().map(|file| (file.id, file.variant)).zip(found);
    Ok(Json(FileLinks { items: links(&app, named).await? }))
}

async fn links(
    app: &App,
    files: impl Iterator<Item = ((UploadId, FileVariant), Option<FileAt>)>,
) -> Result<Vec<FileLink>, Fault> {
    let (mut links, now) = (Vec::new(), app.clock.now());
    for ((id, variant), file) in files {
        let (url, expires_at) = match file {
            Some(FileAt { key, lifetime }) => Some(app.files.link(&key, lifetime, now).await?).unzip(),
            None => (None, None),
        };
        links.push(FileLink { id, variant, url, expires_at });
    }
    Ok(links)
}
