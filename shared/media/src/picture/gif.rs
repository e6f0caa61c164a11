use super::Rebuilt;
use crate::bytes::Bytes;
use image::metadata::Orientation;

const EXTENSION: u8 = 0x21;
const PICTURE: u8 = 0x2c;
const END: u8 = 0x3b;

/// Of a colour table that follows.
const HAS_TABLE: u8 = 0x80;

/// Keeps frames, their delays, and how often they repeat.
pub(super) fn rebuild(input: &[u8]) -> Option<Rebuilt> {
    let mut rest = Bytes(input);
    let mut bytes = Vec::with_capacity(input.len());
    bytes.extend_from_slice(rest.take(6)?);
    copy_with_table(&mut rest, &mut bytes, 7, 4)?;
    let mut frames = 0_u32;
    loop {
        match rest.u8() {
            Some(EXTENSION) => match rest.u8()? {
                // How long a frame is shown: one block of four bytes.
                0xf9 => {
                    if let Some(control) = blocks(&mut rest)?.strip_prefix(&[4]).and_then(|block| block.get(..4)) {
                        bytes.extend([EXTENSION, 0xf9, 4]);
                        bytes.extend_from_slice(control);
                        bytes.push(0);
                    }
                }
                0xff => {
                    let content = blocks(&mut rest)?;
                    let repeats = content.strip_prefix(b"\x0bNETSCAPE2.0\x03\x01").and_then(|repeats| repeats.get(..2));
                    if let Some(repeats) = repeats {
                        bytes.extend(b"\x21\xff\x0bNETSCAPE2.0\x03\x01");
                        bytes.extend_from_slice(repeats);
                        bytes.push(0);
                    }
                }
                _ => {
                    blocks(&mut rest)?;
                }
            },
            Some(PICTURE) => {
                bytes.push(PICTURE);
                copy_with_table(&mut rest, &mut bytes, 9, 8)?;
                bytes.push(rest.u8()?);
                bytes.extend_from_slice(blocks(&mut rest)?);
                frames += 1;
            }
            // Its end, or what players stop at as well.
            Some(_) | None => break,
        }
    }
    bytes.push(END);
    Some(Rebuilt { bytes, orientation: Orientation::NoTransforms, is_animated: frames > 1, is_progressive: false })
}

/// Copies a descriptor, and the colour table that a byte of it announces.
fn copy_with_table(rest: &mut Bytes<'_>, out: &mut Vec<u8>, length: usize, flags_at: usize) -> Option<()> {
    let descriptor = rest.take(length)?;
    out.extend_from_slice(descriptor);
    let flags = *descriptor.get(flags_at)?;
    if flags & HAS_TABLE != 0 {
        out.extend_from_slice(rest.take(3 << ((flags & 7) + 1))?);
    }
    Some(())
}

/// Blocks up to an empty one, that included, each after its length.
fn blocks<'a>(rest: &mut Bytes<'a>) -> Option<&'a [u8]> {
    let all = rest.0;
    loop {
        let length = rest.u8()?;
        rest.take(usize::from(length))?;
        if length == 0 {
            return all.get(..all.len() - rest.0.len());
        }
    }
}
