//! Files that are made to cost a decoder time or memory. Each costs its own upload, and the next one is inspected.

use crate::scene::{PICTURE, scene};
use domain::{Media, Purpose, Rejection, UploadKind, UploadState};
use std::time::Duration;
use tokio::time::Instant;

const FILM: &[u8] = include_bytes!("../../../../shared/media/fixtures/film.mp4");
const GIF: &[u8] = include_bytes!("../../../../shared/media/fixtures/moving.gif");
const M4A: &[u8] = include_bytes!("../../../../shared/media/fixtures/sound.m4a");
const WEBM: &[u8] = include_bytes!("../../../../shared/media/fixtures/sound.webm");

/// Far less than a child has before it is killed.
const BOUND: Duration = Duration::from_secs(20);

async fn outcome(kind: UploadKind, bytes: &[u8]) -> Result<Media, Rejection> {
    let (scene, begun) = (scene().await, Instant::now());
    let upload = scene.inspect(kind, Purpose::Message, "a", bytes).await;
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    let next = scene.inspect(UploadKind::Image, Purpose::Message, "b", PICTURE).await;
    assert_eq!(next.state, UploadState::Ready);
    upload.reason.map_or_else(|| Ok(upload.media.unwrap()), Err)
}

fn place_of(bytes: &[u8], word: &[u8]) -> usize {
    bytes.windows(word.len()).position(|window| window == word).unwrap()
}

#[tokio::test]
async fn voice_note_that_once_looped_a_parser_is_damaged() {
    let mut note = WEBM.to_vec();
    let (codec, private) = (place_of(WEBM, b"A_OPUS"), place_of(WEBM, b"OpusHead"));
    note[codec..codec + 6].copy_from_slice(b"A_FLAC");
    // Padding of no length, which an older version skipped for ever.
    note[private..private + 8].copy_from_slice(b"fLaC\x01\0\0\0");

    assert_eq!(outcome(UploadKind::Voice, &note).await.unwrap_err(), Rejection::Damaged);
}

#[tokio::test]
async fn box_that_claims_four_gigabytes_is_damaged() {
    for (kind, file) in [(UploadKind::Video, FILM), (UploadKind::Voice, M4A)] {
        let mut handler = file.to_vec();
        let length = place_of(file, b"hdlr") - 4;
        handler[length..length + 4].fill(0xff);
        let mut sizes = file.to_vec();
        let count = place_of(file, b"stsz") + 8;
        // Each of one byte.
        sizes[count..count + 8].copy_from_slice(b"\0\0\0\x01\xff\xff\xff\xff");
        let mut times = file.to_vec();
        let count = place_of(file, b"stts") + 8;
        times[count..count + 4].fill(0xff);
        for changed in [handler, sizes, times] {
            assert_eq!(outcome(kind, &changed).await.unwrap_err(), Rejection::Damaged, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn picture_of_a_thousand_scans_is_damaged() {
    // One that adds a bit to each block.
    const SCAN: [usize; 2] = [845, 868];
    let [start, end] = SCAN;
    let picture = [&PICTURE[..start], &PICTURE[start..end].repeat(1_000), &PICTURE[end..]].concat();

    assert_eq!(outcome(UploadKind::Image, &picture).await.unwrap_err(), Rejection::Damaged);
}

#[tokio::test]
async fn only_the_first_of_a_hundred_thousand_frames_is_decoded() {
    // The others would not decode.
    let frame = [0x2c_u8, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 1, 0xff, 0];
    let picture = [&GIF[..GIF.len() - 1], &frame.repeat(100_000), b"\x3b"].concat();

    assert_eq!(outcome(UploadKind::Image, &picture).await.unwrap().animated, Some(true));
}

/// A chunk of RIFF.
fn chunk(name: &[u8], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap();
    let padding: &[u8] = if content.len().is_multiple_of(2) { b"" } else { b"\0" };
    [name, &length.to_le_bytes(), content, padding].concat()
}

#[tokio::test]
async fn only_the_first_of_many_large_frames_is_decoded() {
    const SIDE: u32 = 4_096;
    let side = (SIDE - 1).to_le_bytes();
    // 16 megapixels of one colour in seven bytes: each of the five codes has one symbol, which takes no bit.
    let header = (SIDE - 1) | (SIDE - 1) << 14;
    let pixels = [&b"\x2f"[..], &header.to_le_bytes(), b"\x88\x88\x08"].concat();
    let frame = |pixels: &[u8]| {
        let place = [&[0; 6][..], &side[..3], &side[..3], b"\x64\0\0\0"].concat();
        chunk(b"ANMF", &[place, chunk(b"VP8L", pixels)].concat())
    };
    let canvas = chunk(b"VP8X", &[&b"\x12\0\0\0"[..], &side[..3], &side[..3]].concat());
    // The others would not decode.
    let frames = [frame(&pixels), frame(&pixels[..5]).repeat(1_000)].concat();
    let picture = chunk(b"RIFF", &[b"WEBP".to_vec(), canvas, chunk(b"ANIM", &[0; 6]), frames].concat());

    let media = outcome(UploadKind::Image, &picture).await.unwrap();

    assert_eq!((media.animated, media.width), (Some(true), Some(SIDE)));
}
