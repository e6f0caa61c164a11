use crate::Messenger;
use domain::{
    Attachment, Code, Fault, FieldFault, Invalid, MessageDraft, Poster, Purpose, UploadId, UploadKind, UploadState,
};
use mongo::{Candidate, Claimed, UploadClaim};
use std::{collections::HashMap, time::Duration};

/// When an upload that is still to be inspected may be ready.
const READY_AFTER: Duration = Duration::from_secs(1);

/// The files of a message that is about to be sent.
pub(crate) struct Files {
    /// What the request claimed.
    pub(crate) claim: Option<UploadClaim>,
    /// The files, or why the message can't have them.
    pub(crate) outcome: Result<Vec<Attachment>, Fault>,
}

/// What keeps an upload from being a file of a message.
enum Obstacle {
    /// It can never be attached.
    Refused(Invalid),
    /// Another message has or claims it.
    Taken,
    /// It is not yet inspected.
    NotReady,
}

impl Files {
    /// Claims what a draft asks for.
    pub(crate) async fn claim(messenger: &Messenger, draft: &MessageDraft) -> Result<Self, Fault> {
        let Some(claim) = UploadClaim::of(draft) else { return Ok(Self { claim: None, outcome: Ok(Vec::new()) }) };
        let claimed = messenger.mongo.uploads().claim(&claim, messenger.clock.now()).await?;
        let outcome = admit(draft, &claimed).and_then(|()| files_of(draft, &claimed.uploads));
        Ok(Self { claim: claimed.is_done.then_some(claim), outcome })
    }
}

/// Refuses a message with uploads that it can't have, and names each that it never can have.
fn admit(draft: &MessageDraft, claimed: &Claimed) -> Result<(), Fault> {
    let (mut refused, mut is_taken) = (Vec::new(), false);
    for (position, attach) in draft.attachments.iter().enumerate() {
        for (field, upload) in attach.fields(position) {
            // A poster is a picture.
            let kind = if upload == attach.upload { draft.message_type.files() } else { Some(UploadKind::Image) };
            match obstacle(claimed.uploads.get(&upload), kind) {
                Some(Obstacle::Refused(reason)) => refused.push(FieldFault { field: field.into(), reason }),
                Some(Obstacle::Taken) => is_taken = true,
                Some(Obstacle::NotReady) | None => {}
            }
        }
    }
    if !refused.is_empty() {
        return Err(Fault { fields: refused, ..Code::InvalidFields.into() });
    }
    match (claimed.is_done, is_taken) {
        (true, _) => Ok(()),
        (false, true) => Err(Code::UploadTaken.into()),
        (false, false) => Err(Fault { retry_after: Some(READY_AFTER), ..Code::UploadNotReady.into() }),
    }
}

fn obstacle(candidate: Option<&Candidate>, kind: Option<UploadKind>) -> Option<Obstacle> {
    let Some(Candidate { upload, is_claimed }) = candidate else { return Some(Obstacle::Refused(Invalid::NotFound)) };
    match upload.state {
        UploadState::Deleting => Some(Obstacle::Refused(Invalid::NotFound)),
        _ if Some(upload.kind) != kind => Some(Obstacle::Refused(Invalid::Contradiction)),
        _ if upload.purpose != Purpose::Message => Some(Obstacle::Refused(Invalid::Unsupported)),
        UploadState::Rejected => Some(Obstacle::Refused(Invalid::Unsupported)),
        UploadState::Attached => Some(Obstacle::Taken),
        UploadState::Ready => is_claimed.then_some(Obstacle::Taken),
        UploadState::Pending | UploadState::Uploaded => Some(Obstacle::NotReady),
    }
}

/// What a draft asks for, in its order.
fn files_of(draft: &MessageDraft, uploads: &HashMap<UploadId, Candidate>) -> Result<Vec<Attachment>, Fault> {
    let file = |id: UploadId| uploads.get(&id).and_then(|candidate| candidate.upload.attachment());
    let files = draft.attachments.iter().map(|attach| {
        let poster = attach.poster.and_then(file).map(|Attachment { id, media, .. }| Poster { id, media });
        Some(Attachment { poster, ..file(attach.upload)? })
    });
    files.collect::<Option<_>>().ok_or_else(|| Fault::internal("an upload that is ready has no content"))
}
