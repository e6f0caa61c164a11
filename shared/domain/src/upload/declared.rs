//! What an uploader says of a file before it arrives.

use super::{Purpose, UploadKind};
use crate::{ClientId, FileName, Invalid};
use std::time::Duration;

/// The largest file that is sent in one request, in bytes.
pub const MOST_AT_ONCE: u64 = 16 * 1024 * 1024;
/// The size of each part of a larger file but the last one, in bytes.
pub const PART_SIZE: u64 = 8 * 1024 * 1024;
/// For how many parts one request brings links.
pub const MOST_PART_LINKS: usize = 20;
/// How long an upload is kept that no message, profile or group takes.
pub const UNATTACHED_FOR: Duration = Duration::from_hours(24);

/// How much may be uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadLimits {
    /// The largest picture of a message, in bytes.
    pub image_bytes: u64,
    /// The largest voice note, in bytes.
    pub voice_bytes: u64,
    /// The largest video, in bytes.
    pub video_bytes: u64,
    /// The largest file, in bytes.
    pub file_bytes: u64,
    /// The largest picture of a profile or a group, in bytes.
    pub picture_bytes: u64,
    /// How many uploads a person may have that nothing has taken yet.
    pub open: u32,
    /// How much of a person's is kept, in bytes.
    pub stored_bytes: u64,
}

impl Default for UploadLimits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            image_bytes: 25 * MIB,
            voice_bytes: 16 * MIB,
            video_bytes: 100 * MIB,
            file_bytes: 100 * MIB,
            picture_bytes: 8 * MIB,
            open: 50,
            stored_bytes: 2_048 * MIB,
        }
    }
}

impl UploadLimits {
    /// The largest file of a kind for a purpose, in bytes.
    pub const fn largest(&self, kind: UploadKind, purpose: Purpose) -> u64 {
        match (purpose, kind) {
            (Purpose::Avatar | Purpose::GroupPicture, _) => self.picture_bytes,
            (Purpose::Message, UploadKind::Image) => self.image_bytes,
            (Purpose::Message, UploadKind::Voice) => self.voice_bytes,
            (Purpose::Message, UploadKind::Video) => self.video_bytes,
            (Purpose::Message, UploadKind::File) => self.file_bytes,
        }
    }
}

/// The media type that an uploader names, without parameters and in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType(String);

impl MediaType {
    /// Accepts `type/subtype` as in RFC 6838, with parameters, which are dropped: browsers record `audio/webm;codecs=opus`.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        let essence = input.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_name = |name: &str| {
            (1..=127).contains(&name.len())
                && name.starts_with(|c: char| c.is_ascii_alphanumeric())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
        };
        let is_type = essence.split_once('/').is_some_and(|(kind, name)| is_name(kind) && is_name(name));
        if is_type { Ok(Self(essence)) } else { Err(Invalid::BadFormat) }
    }

    /// The type.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a file of this type can be of a kind. It is a hint: inspection finds the true type. Who does not know it says
    /// `application/octet-stream`.
    pub fn can_be(&self, kind: UploadKind) -> bool {
        let words: &[&str] = match kind {
            UploadKind::File => return true,
            UploadKind::Image => &["image/jpeg", "image/jpg", "image/pjpeg", "image/png", "image/gif", "image/webp"],
            UploadKind::Voice => &[
                "audio/ogg",
                "audio/opus",
                "application/ogg",
                "audio/webm",
                "video/webm",
                "audio/mp4",
                "audio/x-m4a",
                "audio/m4a",
                "video/mp4",
                "audio/aac",
                "audio/aacp",
                "audio/x-aac",
                "audio/mpeg",
                "audio/mp3",
                "audio/wav",
                "audio/wave",
                "audio/x-wav",
                "audio/vnd.wave",
            ],
            UploadKind::Video => &["video/mp4", "video/x-m4v", "video/quicktime", "video/webm"],
        };
        self.0 == "application/octet-stream" || words.contains(&self.0.as_str())
    }
}

/// The SHA-256 of some bytes, in base64 as the store of files has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sha256(String);

impl Sha256 {
    /// Accepts the base64 of 32 bytes, with padding.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        let is_digit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
        let digits = input.strip_suffix('=').unwrap_or_default().as_bytes();
        // 43 digits have 258 bits; the last two of them are zero.
        let is_hash = digits.len() == 43
            && digits.iter().all(|digit| is_digit(*digit))
            && digits.last().is_some_and(|last| b"AEIMQUYcgkosw048".contains(last));
        if is_hash { Ok(Self(input.to_owned())) } else { Err(Invalid::BadFormat) }
    }

    /// The hash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A file that somebody wants to upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadDraft {
    /// What it is meant to be.
    pub kind: UploadKind,
    /// What it is for.
    pub purpose: Purpose,
    /// Its name.
    pub name: FileName,
    /// Its size in bytes.
    pub size: u64,
    /// What its type is said to be.
    pub media_type: MediaType,
    /// Its hash; none of one that comes in parts, each of which has its own.
    pub sha256: Option<Sha256>,
    /// The client's own id of the upload.
    pub client_id: ClientId,
}

/// How many parts a file of a size comes in; none if it comes at once.
pub const fn parts_of(size: u64) -> Option<u64> {
    if size > MOST_AT_ONCE { Some(size.div_ceil(PART_SIZE)) } else { None }
}

/// The size of one part of a file, numbered from 1; none if the file has no such part.
pub fn part_size(size: u64, number: u16) -> Option<u64> {
    let (count, number) = (parts_of(size)?, u64::from(number));
    match number {
        0 => None,
        _ if number < count => Some(PART_SIZE),
        _ if number == count => Some(size - (count - 1) * PART_SIZE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_type_loses_its_parameters_and_its_case() {
        assert_eq!(MediaType::parse("Audio/WebM; codecs=opus").unwrap().as_str(), "audio/webm");
        for wrong in ["", "jpeg", "image/", "/jpeg", "image/jp g", "image/jpeg/x", "image/\u{e4}", "-/-"] {
            assert_eq!(MediaType::parse(wrong), Err(Invalid::BadFormat), "{wrong}");
        }
    }

    #[test]
    fn kind_refuses_types_that_it_cannot_be() {
        let can_be = |text: &str, kind| MediaType::parse(text).unwrap().can_be(kind);
        for (text, kind, expected) in [
            ("image/jpeg", UploadKind::Image, true),
            ("image/heic", UploadKind::Image, false),
            ("image/svg+xml", UploadKind::Image, false),
            ("text/html", UploadKind::Image, false),
            ("application/octet-stream", UploadKind::Image, true),
            ("image/heic", UploadKind::File, true),
            ("text/html", UploadKind::File, true),
            ("audio/webm;codecs=opus", UploadKind::Voice, true),
            ("audio/flac", UploadKind::Voice, false),
            ("video/quicktime", UploadKind::Video, true),
            ("audio/mp4", UploadKind::Video, false),
        ] {
            assert_eq!(can_be(text, kind), expected, "{text} as {kind:?}");
        }
    }

    #[test]
    fn hash_is_the_base64_of_32_bytes() {
        let hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!(Sha256::parse(hash).unwrap().as_str(), hash);
        for wrong in ["", "=", &hash[..43], &format!("{hash}="), &hash.replace('+', "-"), &hash.replace("FU=", "FV=")] {
            assert_eq!(Sha256::parse(wrong), Err(Invalid::BadFormat), "{wrong}");
        }
    }

    #[test]
    fn file_above_16_mib_comes_in_parts_of_8() {
        assert_eq!((parts_of(MOST_AT_ONCE), part_size(MOST_AT_ONCE, 1)), (None, None));
        assert_eq!(parts_of(MOST_AT_ONCE + 1), Some(3));
        let sizes = [0, 1, 2, 3, 4].map(|number| part_size(MOST_AT_ONCE + 1, number));
        assert_eq!(sizes, [None, Some(PART_SIZE), Some(PART_SIZE), Some(1), None]);
        assert_eq!(parts_of(100 * 1024 * 1024), Some(13));
    }

    #[test]
    fn pictures_of_profiles_have_a_limit_of_their_own() {
        let limits = UploadLimits::default();
        let largest = |purpose| limits.largest(UploadKind::Image, purpose) / (1024 * 1024);
        assert_eq!([Purpose::Message, Purpose::Avatar, Purpose::GroupPicture].map(largest), [25, 8, 8]);
    }
}
