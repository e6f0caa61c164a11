//! What a parent believes of its child: one that a file has taken over says anything.

use crate::Inspector;
use domain::{Media, MediaType, Purpose, UploadKind};
use std::{fs, path::Path};

/// The longest facts, in bytes: codecs, and in base64 a thumbhash and a waveform.
const LONGEST_CODECS: usize = 100;
const LONGEST_THUMBHASH: usize = 64;
const LONGEST_WAVEFORM: usize = 136;

/// How many smaller copies there are.
const MOST_VARIANTS: usize = 2;

/// Whether facts are such as a file of a kind may have, and what is to be kept lies where it should.
pub(crate) fn is_plausible(kind: UploadKind, purpose: Purpose, media: &Media, path: &Path) -> bool {
    let is_short = |text: Option<&String>, longest| text.is_none_or(|text| text.len() <= longest);
    is_short(media.codecs.as_ref(), LONGEST_CODECS)
        && is_short(media.thumbhash.as_ref(), LONGEST_THUMBHASH)
        && is_short(media.waveform.as_ref(), LONGEST_WAVEFORM)
        && is_type_of(kind, &media.media_type)
        // Only the variants of other pictures are kept.
        && (purpose != Purpose::Message || is_file(path, media.size))
        && media.variants.len() <= MOST_VARIANTS
        && media.variants.iter().all(|variant| {
            is_type_of(UploadKind::Image, &variant.media_type)
                && is_file(&Inspector::variant_path(path, variant.name), variant.size)
        })
}

fn is_type_of(kind: UploadKind, name: &str) -> bool {
    MediaType::parse(name).is_ok_and(|media_type| media_type.as_str() == name && media_type.can_be(kind))
}

/// Whether it is one itself, and no link to another.
fn is_file(path: &Path, size: u64) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == size)
}
