use super::{Rebuilt, orientation};
use crate::bytes::Bytes;
use image::metadata::Orientation;

const START: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;

/// JFIF without the thumbnail that it may have.
const JFIF_LENGTH: usize = 14;
const ADOBE_LENGTH: usize = 12;

/// Keeps tables, frames and scans up to the end of the first picture, JFIF, the colour profile, and what Adobe says of colours.
pub(super) fn rebuild(input: &[u8]) -> Option<Rebuilt> {
    let mut rest = Bytes(input.strip_prefix(&[0xff, START])?);
    let (mut jfif, mut body) = (None, Vec::with_capacity(input.len()));
    let (mut orientation, mut is_progressive) = (Orientation::NoTransforms, false);
    loop {
        let marker = next_marker(&mut rest)?;
        match marker {
            END => break,
            // They have no length.
            0x01 | 0xd0..=0xd7 => continue,
            0x00 | START => return None,
            _ => {}
        }
        let length = usize::from(rest.be16()?).checked_sub(2)?;
        let content = rest.take(length)?;
        match marker {
            0xe0 if content.starts_with(b"JFIF\0") => jfif = content.get(..JFIF_LENGTH - 2),
            0xe1 if content.starts_with(orientation::MARK) && orientation == Orientation::NoTransforms => {
                orientation = orientation::read(content);
            }
            0xe2 if content.starts_with(b"ICC_PROFILE\0") => push(&mut body, marker, content)?,
            0xee if content.starts_with(b"Adobe") => push(&mut body, marker, content.get(..ADOBE_LENGTH)?)?,
            // Tables, restart intervals and frames, of whatever coding.
            0xc0..=0xcf | 0xdb | 0xdd => {
                is_progressive |= matches!(marker, 0xc2 | 0xc6 | 0xca | 0xce);
                push(&mut body, marker, content)?;
            }
            SCAN => {
                push(&mut body, marker, content)?;
                body.extend_from_slice(rest.take(scan_length(rest.0))?);
                if rest.0.is_empty() {
                    break;
                }
            }
            _ => {}
        }
    }
    let mut bytes = vec![0xff, START];
    bytes.reserve(body.len() + 64);
    if let Some(jfif) = jfif {
        // A thumbnail of no size.
        push(&mut bytes, 0xe0, &[jfif, &[0, 0]].concat())?;
    }
    if let Some(exif) = orientation::write(orientation) {
        push(&mut bytes, 0xe1, &[orientation::MARK, &exif].concat())?;
    }
    bytes.append(&mut body);
    bytes.extend([0xff, END]);
    Some(Rebuilt { bytes, orientation, is_animated: false, is_progressive })
}

fn next_marker(rest: &mut Bytes<'_>) -> Option<u8> {
    if rest.u8()? != 0xff {
        return None;
    }
    // Any number of them may stand before a marker.
    loop {
        match rest.u8()? {
            0xff => {}
            marker => return Some(marker),
        }
    }
}

/// How many bytes of a scan there are up to a marker that ends it. The last scan of a file may lack its end.
fn scan_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0xff)) {
        at += found;
        match bytes.get(at + 1) {
            // A byte of the data, or where the decoder starts anew.
            Some(0x00 | 0xd0..=0xd7) => at += 2,
            Some(0xff) => at += 1,
            Some(_) => return at,
            None => break,
        }
    }
    bytes.len()
}

fn push(out: &mut Vec<u8>, marker: u8, content: &[u8]) -> Option<()> {
    let length = u16::try_from(content.len() + 2).ok()?;
    out.extend([0xff, marker]);
    out.extend(length.to_be_bytes());
    out.extend_from_slice(content);
    Some(())
}
