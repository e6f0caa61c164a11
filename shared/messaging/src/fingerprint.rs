use aws_lc_rs::digest::{Context, SHA256};
use domain::MessageDraft;

/// A hash of what was asked for, by which an honest retry is told from another message under the same `client_id`.
pub(crate) fn fingerprint(draft: &MessageDraft) -> Vec<u8> {
    let mut hash = Context::new(&SHA256);
    hash.update(draft.message_type.as_str().as_bytes());
    hash.update(&[0]);
    if let Some(reply_to) = draft.reply_to {
        hash.update(&reply_to.0);
    }
    hash.update(&[0]);
    hash.update(draft.content.as_str().as_bytes());
    hash.finish().as_ref().to_vec()
}
