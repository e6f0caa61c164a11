//! Files that come in parts. The store of files knows which have arrived.

use crate::App;
use domain::{Code, Fault, Upload, part_size, parts_of};
use files::Part;

/// The store's name of the parts of an upload, which are begun if they were not; none if the upload is awaited no more.
pub(crate) async fn begin(app: &App, upload: &Upload) -> Result<Option<String>, Fault> {
    if upload.multipart.is_some() {
        return Ok(upload.multipart.clone());
    }
    let begun = app.files.begin_parts(upload.id).await?;
    let counts = app.mongo.uploads().note_multipart(upload.id, &begun).await?;
    if counts.as_ref() != Some(&begun) {
        // Another request was faster. What stays after a failure ends by itself after two days.
        app.files.abort_parts(upload.id, &begun).await?;
    }
    Ok(counts)
}

/// The numbers of the parts that have arrived, in order.
pub(crate) async fn list_received(app: &App, upload: &Upload) -> Result<Vec<u16>, Fault> {
    let parts = match &upload.multipart {
        Some(multipart) => app.files.parts(upload.id, multipart).await?,
        None => None,
    };
    Ok(whole(upload, parts.unwrap_or_default()).into_iter().map(|part| part.number).collect())
}

/// Makes the file of its parts; refuses if some are missing, and names them.
pub(crate) async fn finish(app: &App, upload: &Upload) -> Result<(), Fault> {
    let Some(multipart) = &upload.multipart else { return Err(incomplete(upload, &[])) };
    let Some(parts) = app.files.parts(upload.id, multipart).await? else {
        // They became a file before.
        return Ok(());
    };
    let parts = whole(upload, parts);
    if parts_of(upload.size) != u64::try_from(parts.len()).ok() {
        return Err(incomplete(upload, &parts));
    }
    app.files.finish_parts(upload.id, multipart, &parts, upload.size).await?;
    Ok(())
}

/// Those parts that have the sizes that they must have.
fn whole(upload: &Upload, mut parts: Vec<Part>) -> Vec<Part> {
    parts.retain(|part| part_size(upload.size, part.number) == Some(part.size));
    parts.sort_by_key(|part| part.number);
    parts
}

/// A refusal that names the missing parts, the first hundred of them.
fn incomplete(upload: &Upload, parts: &[Part]) -> Fault {
    let count = parts_of(upload.size).and_then(|count| u16::try_from(count).ok()).unwrap_or(u16::MAX);
    let missing = (1..=count).filter(|number| parts.iter().all(|part| part.number != *number));
    Fault { fields: missing.take(100).map(missing_part).collect(), ..Code::UploadIncomplete.into() }
}

fn missing_part(number: u16) -> domain::FieldFault {
    domain::FieldFault { field: format!("parts.{number}").into(), reason: domain::Invalid::Required }
}
