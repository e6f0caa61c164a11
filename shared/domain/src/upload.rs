mod declared;
mod file_name;
mod record;

pub use declared::{
    MOST_AT_ONCE, MOST_PART_LINKS, MediaType, PART_SIZE, Sha256, UNATTACHED_FOR, UploadDraft, UploadLimits, part_size,
    parts_of,
};
pub use file_name::FileName;
pub use record::Upload;

use crate::{IdError, ids::parse_hex};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};
use strum::{EnumString, IntoStaticStr};

/// An upload, and the file that comes of it: 32 lower-case hex digits, chosen at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(pub [u8; 16]);

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for UploadId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        parse_hex(text).map(Self)
    }
}

impl Serialize for UploadId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UploadId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|_| D::Error::custom("invalid type: not an upload id"))
    }
}

/// What a file is meant to be, which decides what it may contain and how it is inspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum UploadKind {
    /// A picture, shown in the conversation.
    Image,
    /// Anything, downloaded as it is.
    File,
    /// A voice note.
    Voice,
    /// A video.
    Video,
}

impl UploadKind {
    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What a file is uploaded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Purpose {
    /// For a message.
    #[default]
    Message,
    /// For the uploader's profile.
    Avatar,
    /// For a group.
    GroupPicture,
}

impl Purpose {
    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum UploadState {
    /// Its bytes are awaited.
    Pending,
    /// Its bytes arrived and are not inspected yet.
    Uploaded,
    /// It was inspected and may be attached.
    Ready,
    /// It was inspected and refused.
    Rejected,
    /// A message, a profile or a group has it.
    Attached,
    /// Its bytes are being deleted. No client sees it any more.
    Deleting,
}

impl UploadState {
    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Why inspection refused a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Rejection {
    /// Its content is of no type that its kind may have.
    UnsupportedMedia,
    /// Its content is of another kind: a voice note that is a video.
    TypeMismatch,
    /// It can't be read to the end of what its kind needs.
    Damaged,
    /// It is a picture of too many pixels.
    TooManyPixels,
    /// It plays too long.
    TooLong,
    /// It is too short to be heard.
    TooShort,
    /// A scan found malware.
    Malware,
    /// Inspection itself failed several times, or a scan for malware came to nothing.
    InspectionFailed,
}

impl Rejection {
    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What scans the bytes of uploads for malware before they are inspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MalwareScan {
    /// Nothing.
    #[default]
    None,
    /// Amazon `GuardDuty`, which tells what it found by an event.
    GuardDuty,
}

/// What a scan for malware came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ScanResult {
    /// It found nothing.
    Clean,
    /// It found malware.
    Malware,
    /// The bytes can't be scanned, or were not.
    Failed,
}

impl ScanResult {
    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A smaller copy of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum VariantName {
    /// For lists: 320 pixels at most, 96 of a profile's picture.
    Small,
    /// For the screen: 1,280 pixels at most, 512 of a profile's picture.
    Large,
}

impl VariantName {
    /// The word on the wire, in the store, and at the end of the key of its object.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A smaller copy of a picture, with its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Variant {
    /// Which one.
    pub name: VariantName,
    /// In pixels.
    #[cfg_attr(feature = "schema", schema(example = 320))]
    pub width: u32,
    /// In pixels.
    #[cfg_attr(feature = "schema", schema(example = 240))]
    pub height: u32,
    /// Its media type.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "schema", schema(example = "image/jpeg"))]
    pub media_type: String,
    /// In bytes.
    #[cfg_attr(feature = "schema", schema(example = 14_210))]
    pub size: u64,
}

/// What inspection found out about a file.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Media {
    /// The media type of its content.
    #[serde(rename = "type")]
    pub media_type: String,
    /// Bytes of what can be downloaded: without what was taken out, such as the place where a picture was taken.
    pub size: u64,
    /// In pixels, as displayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// In pixels, as displayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Whether it is a picture that moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub animated: Option<bool>,
    /// A picture of some 25 bytes to show until the real one is there: a `ThumbHash` in base64 (evanw.github.io/thumbhash).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbhash: Option<String>,
    /// Smaller copies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<Variant>,
    /// How long it plays, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// How loud a voice note is over time: base64 of 100 bytes, each 0 to 255.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waveform: Option<String>,
    /// What a video's tracks are coded with, as in RFC 6381: `avc1.640028,mp4a.40.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codecs: Option<String>,
}

impl fmt::Debug for Media {
    // A thumbhash shows what the picture shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Media").field("media_type", &self.media_type).field("size", &self.size).finish_non_exhaustive()
    }
}

/// The picture that stands for a video until it plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poster {
    /// The upload that it is.
    pub id: UploadId,
    /// What is known of it.
    pub media: Media,
}

/// The picture that a person or a group shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// The upload that it is.
    pub id: UploadId,
    /// What is shown until the picture is there: a `ThumbHash` in base64.
    pub thumbhash: String,
}

impl fmt::Debug for Picture {
    // A thumbhash shows what the picture shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picture").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A file of a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The upload that it is.
    pub id: UploadId,
    /// What it is meant to be.
    pub kind: UploadKind,
    /// The file's name.
    pub name: String,
    /// What is known of it.
    pub media: Media,
    /// Of a video.
    pub poster: Option<Poster>,
}

impl Attachment {
    /// The uploads that it is made of.
    pub fn ids(&self) -> impl Iterator<Item = UploadId> {
        [self.id].into_iter().chain(self.poster.as_ref().map(|poster| poster.id))
    }
}

impl fmt::Debug for Attachment {
    // A file's name is as private as a message's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// An upload that a message is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attach {
    /// The upload.
    pub upload: UploadId,
    /// Of a video: the upload that is its poster.
    pub poster: Option<UploadId>,
}

impl Attach {
    /// The uploads that it takes.
    pub fn ids(self) -> impl Iterator<Item = UploadId> {
        [self.upload].into_iter().chain(self.poster)
    }

    /// The same, each with the name of its field where this stands at a position of a request.
    pub fn fields(self, position: usize) -> impl Iterator<Item = (String, UploadId)> {
        let names = ["upload_id", "poster_id"].into_iter().map(move |name| format!("attachments.{position}.{name}"));
        names.zip(self.ids())
    }
}
