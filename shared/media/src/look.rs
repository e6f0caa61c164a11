use crate::{
    picture,
    sniff::{Format, opinion, sniff},
    sound, video,
};
use domain::{Media, Purpose, Rejection, UploadKind, VariantName};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// By how much a recorder that knows the limit may stop late.
const LATE: Duration = Duration::from_secs(1);

/// What was found out about a file that is accepted.
#[derive(Debug)]
pub struct Found {
    /// What is known of it.
    pub media: Media,
    /// What others may have of it, where that differs from what came.
    pub original: Option<Vec<u8>>,
    /// Smaller copies.
    pub variants: Vec<(VariantName, Vec<u8>)>,
}

impl Found {
    /// Nothing but facts.
    pub(crate) fn unchanged(media: Media) -> Self {
        Self { media, original: None, variants: Vec::new() }
    }
}

/// What a file is meant to be, and what it may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What it is meant to be.
    pub kind: UploadKind,
    /// What it is for.
    pub purpose: Purpose,
    /// What it may contain.
    pub limits: Limits,
}

/// What a file may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Pixels of a picture. One that takes more memory to decode than there is, is refused in any case.
    pub image_pixels: u64,
    /// Those of a picture of a profile or a group.
    pub picture_pixels: u64,
    /// How long a voice note plays.
    pub voice: Duration,
    /// How long a video plays.
    pub video: Duration,
}

/// Looks at a file, or at the beginning of one of the kind `file`. The bytes are anybody's: call it in a child process.
pub fn look(job: &Job, bytes: Vec<u8>) -> Result<Found, Rejection> {
    if job.kind == UploadKind::File {
        let size = bytes.len() as u64;
        return Ok(Found::unchanged(Media { media_type: opinion(&bytes).to_owned(), size, ..Media::default() }));
    }
    let (longest_voice, longest_video) = (job.limits.voice + LATE, job.limits.video + LATE);
    match (job.kind, sniff(&bytes).ok_or(Rejection::UnsupportedMedia)?) {
        (UploadKind::Image, Format::Picture(format)) => picture::look(format, job, &bytes),
        (UploadKind::Voice, Format::Sound) => sound::look(&bytes, longest_voice),
        (UploadKind::Voice, Format::Container(format)) => video::look_as_sound(format, bytes, longest_voice),
        (UploadKind::Video, Format::Container(format)) => video::look(format, bytes, longest_video),
        (UploadKind::Image | UploadKind::Voice | UploadKind::Video | UploadKind::File, _) => {
            Err(Rejection::TypeMismatch)
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A job with the limits that an installation has unless it says otherwise.
    pub(crate) fn job(kind: UploadKind, purpose: Purpose) -> Job {
        let (voice, video) = (Duration::from_mins(15), Duration::from_hours(1));
        Job { kind, purpose, limits: Limits { image_pixels: 100_000_000, picture_pixels: 40_000_000, voice, video } }
    }
}
