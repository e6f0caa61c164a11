use super::{Rebuilt, orientation};
use crate::bytes::{Bytes, index};
use image::metadata::Orientation;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Keeps the pixels, what tells their colours, their size on paper, and the animation. Chunks are copied, never inflated.
pub(super) fn rebuild(input: &[u8]) -> Option<Rebuilt> {
    let mut rest = Bytes(input.strip_prefix(SIGNATURE)?);
    let (mut before, mut after) = (SIGNATURE.to_vec(), Vec::with_capacity(input.len()));
    let (mut orientation, mut is_animated) = (Orientation::NoTransforms, false);
    loop {
        let chunk = rest.0;
        let length = index(rest.be32()?);
        let name = rest.take(4)?;
        let content = rest.take(length)?;
        let _checksum = rest.be32()?;
        let whole = chunk.get(..length.checked_add(12)?)?;
        match name {
            b"IHDR" | b"PLTE" | b"tRNS" | b"gAMA" | b"cHRM" | b"sRGB" | b"iCCP" | b"cICP" | b"sBIT" | b"pHYs"
            | b"acTL" | b"fcTL" | b"IDAT" | b"fdAT" | b"IEND" => {
                if name == b"acTL" {
                    is_animated = Bytes(content).be32()? > 1;
                }
                let out = if after.is_empty() && name != b"IDAT" { &mut before } else { &mut after };
                out.extend_from_slice(whole);
            }
            b"eXIf" => orientation = orientation::read(content),
            _ => {}
        }
        if name == b"IEND" {
            break;
        }
    }
    if after.is_empty() {
        return None;
    }
    let mut bytes = before;
    if let Some(exif) = orientation::write(orientation) {
        push(&mut bytes, *b"eXIf", &exif);
    }
    bytes.append(&mut after);
    Some(Rebuilt { bytes, orientation, is_animated, is_progressive: false })
}

fn push(out: &mut Vec<u8>, name: [u8; 4], content: &[u8; 26]) {
    out.extend([0, 0, 0, 26]);
    out.extend(name);
    out.extend(content);
    out.extend(checksum(&[&name[..], content].concat()).to_be_bytes());
}

/// CRC-32, bit by bit: it is for one chunk of 30 bytes.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}
