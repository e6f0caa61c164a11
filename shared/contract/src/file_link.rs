use domain::{Fault, Invalid, MessageId, Timestamp, UploadId, VariantName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most files of one request for links.
const MOST_LINKS: usize = 50;

/// Files to show or to download.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLinks {
    /// The files. One may stand here several times, with other variants.
    #[schema(min_items = 1, max_items = 50)]
    pub items: Vec<NewLink>,
}

/// A file of a message.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    /// The message that has it.
    pub message_id: MessageId,
    /// The file's id, or that of a video's poster.
    pub id: UploadId,
    /// Which copy of the file; `original` unless given.
    #[serde(default)]
    pub variant: FileVariant,
}

/// A copy of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileVariant {
    /// The file itself, which a browser saves.
    #[default]
    Original,
    /// A picture for lists.
    Small,
    /// A picture for the screen.
    Large,
}

/// Links to files, in the order in which they were asked for.
#[derive(Serialize, ToSchema)]
pub struct FileLinks {
    /// The links.
    pub items: Vec<FileLink>,
}

/// A link to a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileLink {
    /// The file's id.
    pub id: UploadId,
    /// Which copy of the file.
    pub variant: FileVariant,
    /// Where `GET` finds the file, without an access token. It is a secret. Null if the caller may not read the file, and if there is
    /// no such file or copy, or not any more.
    #[schema(
        required = true,
        example = "https://bucket.s3.ap-northeast-2.amazonaws.com/9f2c4d1e8a7b4c3d9e0f112233445566/original?X-Amz-Signature=…"
    )]
    pub url: Option<String>,
    /// When the link ends: ask for another one, also where it is refused earlier. Null without a link.
    #[schema(required = true)]
    pub expires_at: Option<Timestamp>,
}

impl NewLinks {
    /// The files, if there are not too many.
    pub fn parse(self) -> Result<Vec<NewLink>, Fault> {
        match self.items.len() {
            0 => Err(Fault::field("items", Invalid::TooShort)),
            1..=MOST_LINKS => Ok(self.items),
            _ => Err(Fault::field("items", Invalid::TooLong)),
        }
    }
}

impl FileVariant {
    /// The name of the smaller copy; `None` of the file itself.
    pub const fn copy(self) -> Option<VariantName> {
        match self {
            Self::Original => None,
            Self::Small => Some(VariantName::Small),
            Self::Large => Some(VariantName::Large),
        }
    }
}
