use super::{Rebuilt, orientation};
use crate::bytes::{Bytes, index};
use image::metadata::Orientation;

/// Flags of an extended file.
const ANIMATION: u8 = 0x02;
const XMP: u8 = 0x04;
const EXIF: u8 = 0x08;
const PROFILE: u8 = 0x20;

/// What stands before the chunks of a frame.
const FRAME_HEADER: usize = 16;

/// Keeps the pixels, the colour profile and the animation.
pub(super) fn rebuild(input: &[u8]) -> Option<Rebuilt> {
    let mut rest = Bytes(input.strip_prefix(b"RIFF")?);
    let length = index(rest.le32()?);
    // Some writers count wrongly; what stands behind the last chunk goes in any case.
    let mut rest = Bytes(rest.0.get(..length).unwrap_or(rest.0).strip_prefix(b"WEBP")?);
    let mut bytes = b"RIFF\0\0\0\0WEBP".to_vec();
    bytes.reserve(input.len());
    let (mut orientation, mut frames) = (Orientation::NoTransforms, 0_u32);
    let (mut flags_at, mut has_profile) = (None, false);
    while let Some((name, content)) = next_chunk(&mut rest) {
        match &name {
            b"VP8X" if flags_at.is_none() => {
                flags_at = Some(bytes.len() + 8);
                push(&mut bytes, name, content.get(..10)?)?;
            }
            b"VP8 " | b"VP8L" => {
                push(&mut bytes, name, content)?;
                // A simple file has nothing else.
                if flags_at.is_none() {
                    break;
                }
            }
            b"ALPH" | b"ANIM" => push(&mut bytes, name, content)?,
            b"ICCP" => {
                has_profile = true;
                push(&mut bytes, name, content)?;
            }
            b"ANMF" => {
                frames += 1;
                push(&mut bytes, name, &frame(content)?)?;
            }
            b"EXIF" => orientation = orientation::read(content),
            _ => {}
        }
    }
    if let Some(at) = flags_at {
        let exif = orientation::write(orientation);
        if let Some(exif) = &exif {
            push(&mut bytes, *b"EXIF", exif)?;
        }
        let flags = bytes.get_mut(at)?;
        *flags &= !(XMP | EXIF | PROFILE);
        *flags |= if exif.is_some() { EXIF } else { 0 } | if has_profile { PROFILE } else { 0 };
    } else {
        orientation = Orientation::NoTransforms;
    }
    let is_animated =
        frames > 1 && flags_at.is_some_and(|at| bytes.get(at).is_some_and(|flags| flags & ANIMATION != 0));
    let length = u32::try_from(bytes.len() - 8).ok()?;
    bytes.get_mut(4..8)?.copy_from_slice(&length.to_le_bytes());
    Some(Rebuilt { bytes, orientation, is_animated, is_progressive: false })
}

/// A frame of an animation, which has chunks of its own.
fn frame(content: &[u8]) -> Option<Vec<u8>> {
    let (header, chunks) = content.split_at_checked(FRAME_HEADER)?;
    let mut frame = header.to_vec();
    let mut chunks = Bytes(chunks);
    while let Some((name, content)) = next_chunk(&mut chunks) {
        if matches!(&name, b"ALPH" | b"VP8 " | b"VP8L") {
            push(&mut frame, name, content)?;
        }
    }
    Some(frame)
}

/// The next chunk that is whole.
fn next_chunk<'a>(rest: &mut Bytes<'a>) -> Option<([u8; 4], &'a [u8])> {
    let name = rest.take(4)?.try_into().ok()?;
    let length = index(rest.le32()?);
    let content = rest.take(length)?;
    if length % 2 == 1 {
        // The last one of a file may lack its padding.
        rest.take(1);
    }
    Some((name, content))
}

fn push(out: &mut Vec<u8>, name: [u8; 4], content: &[u8]) -> Option<()> {
    out.extend(name);
    out.extend(u32::try_from(content.len()).ok()?.to_le_bytes());
    out.extend_from_slice(content);
    if content.len() % 2 == 1 {
        out.push(0);
    }
    Some(())
}
