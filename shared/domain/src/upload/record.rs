use super::{Attachment, Media, Purpose, Rejection, UploadId, UploadKind, UploadState, VariantName};
use crate::{Timestamp, UserId};
use std::fmt;

/// An upload, from its creation until its bytes are gone.
#[derive(Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// Who uploads it.
    pub owner: UserId,
    /// What it is for.
    pub purpose: Purpose,
    /// What it is meant to be.
    pub kind: UploadKind,
    /// The file's name.
    pub name: String,
    /// The size that its owner declared, in bytes.
    pub size: u64,
    /// The media type that its owner declared.
    pub declared_type: String,
    /// Of one that comes at once.
    pub sha256: Option<String>,
    /// The store's name of the parts that it comes in, once they were begun.
    pub multipart: Option<String>,
    /// How far it is.
    pub state: UploadState,
    /// Why it was refused.
    pub reason: Option<Rejection>,
    /// Which bytes arrived.
    pub etag: Option<String>,
    /// What inspection found.
    pub media: Option<Media>,
    /// The keys of the objects that inspection wrote.
    pub objects: Vec<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When somebody looks at it next; none of one that something has taken.
    pub due_at: Option<Timestamp>,
}

impl Upload {
    /// The file of a message that it becomes; none before it was inspected.
    pub fn attachment(&self) -> Option<Attachment> {
        let Self { id, kind, .. } = *self;
        let media = self.media.clone()?;
        Some(Attachment { id, kind, name: self.name.clone(), media, poster: None })
    }

    /// When it ends unless something takes it; none while it is inspected and once it is taken.
    pub fn expires_at(&self) -> Option<Timestamp> {
        let is_kept = matches!(self.state, UploadState::Pending | UploadState::Ready | UploadState::Rejected);
        self.due_at.filter(|_| is_kept)
    }
}

impl fmt::Debug for Upload {
    // A file's name is as private as a message's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl UploadId {
    /// The key of the object that can be downloaded.
    pub fn original_key(self) -> String {
        format!("{self}/original")
    }

    /// The key of a smaller copy.
    pub fn variant_key(self, name: VariantName) -> String {
        format!("{self}/{}", name.as_str())
    }

    /// Every key that an object of it can have.
    pub fn keys(self) -> [String; 3] {
        [self.original_key(), self.variant_key(VariantName::Small), self.variant_key(VariantName::Large)]
    }

    /// Whose object has a key.
    pub fn of_key(key: &str) -> Option<Self> {
        let (id, name) = key.split_once('/')?;
        let is_ours = matches!(name, "original" | "small" | "large");
        id.parse().ok().filter(|_| is_ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_of_an_object_names_its_upload() {
        let id = UploadId([7; 16]);
        assert_eq!(id.keys().map(|key| UploadId::of_key(&key)), [Some(id); 3]);
        for other in ["", "07070707070707070707070707070707", "x/original", "07070707070707070707070707070707/x"] {
            assert_eq!(UploadId::of_key(other), None, "{other}");
        }
    }
}
