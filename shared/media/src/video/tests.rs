use super::*;
use crate::look::{look as look_at, tests::job};
use domain::{Purpose, UploadKind};

const FILM: &[u8] = include_bytes!("../../fixtures/film.mp4");
const MOV: &[u8] = include_bytes!("../../fixtures/film.mov");

fn seen(bytes: &[u8]) -> Result<Found, Rejection> {
    look_at(&job(UploadKind::Video, Purpose::Message), bytes.to_vec())
}

fn has(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

fn samples(bytes: &[u8]) -> Vec<Vec<u8>> {
    let movie = Mp4::read_bytes(bytes).unwrap();
    let samples = movie.tracks().values().flat_map(|track| &track.samples);
    samples.map(|sample| bytes[sample.byte_range()].to_vec()).collect()
}

#[test]
fn size_duration_and_codecs_are_what_is_played() {
    for (name, bytes, media_type, size, codecs) in [
        ("film.mp4", FILM, "video/mp4", (64, 48), "avc1."),
        ("turned.mp4", include_bytes!("../../fixtures/turned.mp4"), "video/mp4", (48, 64), "avc1."),
        ("fragments.mp4", include_bytes!("../../fixtures/fragments.mp4"), "video/mp4", (64, 48), "avc1."),
        ("film.mov", MOV, "video/quicktime", (64, 48), "avc1."),
        ("film.webm", include_bytes!("../../fixtures/film.webm"), "video/webm", (64, 48), "vp8,opus"),
    ] {
        let media = seen(bytes).unwrap().media;
        assert_eq!((media.width, media.height), (Some(size.0), Some(size.1)), "{name}");
        assert_eq!(media.media_type, media_type);
        let duration = media.duration_ms.unwrap();
        assert!((1_000..=1_200).contains(&duration), "{name}: {duration} ms");
        let known = media.codecs.unwrap();
        assert!(known.starts_with(codecs), "{name}: {known}");
        assert!(media_type == "video/webm" || known.ends_with(",mp4a.40.2"), "{name}: {known}");
        assert_eq!(media.size, bytes.len() as u64, "{name}: nothing moved");
    }
}

#[test]
fn nothing_but_the_film_is_kept() {
    for (name, bytes) in [
        ("film.mp4", FILM),
        ("film.mov", MOV),
        ("fragments.mp4", include_bytes!("../../fixtures/fragments.mp4")),
        ("film.webm", include_bytes!("../../fixtures/film.webm")),
    ] {
        assert!(has(bytes, b"canary"), "{name}");
        let kept = seen(bytes).unwrap().original.unwrap();
        for word in [&b"canary"[..], b"37.5665", b"Handler", b"tmcd", b"Lavf", b"udta"] {
            assert!(!has(&kept, word) || (word == b"tmcd" && name == "film.mov"), "{name}: {word:?}");
        }
        assert_eq!(seen(&kept).unwrap().original.unwrap(), kept, "{name} is as it stays");
    }
    assert_eq!(samples(&seen(FILM).unwrap().original.unwrap()), samples(FILM));
}

#[test]
fn samples_of_a_track_that_is_not_played_are_zeros() {
    let sound = samples(FILM).pop().unwrap();
    assert!(has(FILM, &sound));
    let mut film = FILM.to_vec();
    let handler = film.windows(4).position(|window| window == b"soun").unwrap();
    film[handler..handler + 4].copy_from_slice(b"meta");
    let found = seen(&film).unwrap();
    assert!(!has(&found.original.unwrap(), &sound));
    assert!(!found.media.codecs.unwrap().contains("mp4a"));
}

/// Adds to a number of four bytes.
fn add(bytes: &mut [u8], at: usize, more: usize) {
    let number: &mut [u8; 4] = (&mut bytes[at..at + 4]).try_into().unwrap();
    *number = (u32::from_be_bytes(*number) + u32::try_from(more).unwrap()).to_be_bytes();
}

/// Where boxes of a name begin.
fn boxes(bytes: &[u8], name: &[u8]) -> Vec<usize> {
    (4..bytes.len()).filter(|at| bytes[*at..].starts_with(name)).map(|at| at - 4).collect()
}

#[test]
fn codecs_are_of_one_picture_and_one_sound() {
    let (movie, tracks) = (boxes(MOV, b"moov")[0], boxes(MOV, b"trak"));
    let film = |more: u8| {
        let mut film = MOV.to_vec();
        for id in 0..more {
            let mut sound = MOV[tracks[1]..tracks[2]].to_vec();
            sound[31] = 100 + id;
            add(&mut film, movie, sound.len());
            film.extend(sound);
        }
        seen(&film)
    };
    let codecs = film(0).unwrap().media.codecs;
    assert_eq!(film(13).unwrap().media.codecs, codecs);
    assert_eq!(film(14).unwrap_err(), Rejection::Damaged, "17 tracks");
}

#[test]
fn film_whose_header_names_too_short_a_time_has_that_of_its_samples() {
    let mut film = FILM.to_vec();
    for header in boxes(FILM, b"mdhd") {
        film[header + 24..header + 28].copy_from_slice(&[0, 0, 0, 1]);
    }
    let duration = seen(&film).unwrap().media.duration_ms.unwrap();
    assert!((800..=1_200).contains(&duration), "{duration} ms");
}

#[test]
fn samples_of_a_second_run_of_a_fragment_stay() {
    const FRAGMENTS: &[u8] = include_bytes!("../../fixtures/fragments.mp4");
    let [fragment, data] = [b"moof", b"mdat"].map(|name| boxes(FRAGMENTS, name)[0]);
    let (tracks, runs, end) = (boxes(FRAGMENTS, b"traf"), boxes(FRAGMENTS, b"trun"), boxes(FRAGMENTS, b"mfra")[0]);
    // One sample of four bytes, which stands behind the others. Its place and size are told.
    let mut run = [&[0_u8, 0, 0, 24][..], b"trun", &[0, 0, 2, 1], &[0, 0, 0, 1], &[0; 4], &[0, 0, 0, 4]].concat();
    let length = run.len();
    add(&mut run, 16, end + length - fragment);
    let mut film = FRAGMENTS.to_vec();
    for (at, more) in
        [(fragment, length), (tracks[0], length), (runs[0] + 16, length), (runs[1] + 16, length), (data, 4)]
    {
        add(&mut film, at, more);
    }
    film.splice(end..end, *b"film");
    film.splice(tracks[1]..tracks[1], run);
    let data = data + length..end + length + 4;
    let kept = seen(&film).unwrap().original.unwrap();
    assert!(kept[data.clone()] == film[data], "its samples are as they were");

    let handler = film.windows(4).position(|window| window == b"soun").unwrap();
    film[handler..handler + 4].copy_from_slice(b"meta");
    assert_eq!(seen(&film).unwrap_err(), Rejection::Damaged, "samples of another track might be left");
}

#[test]
fn file_that_is_not_a_video_is_refused() {
    let page = b"<html><script>alert(1)</script>";
    for (name, bytes, why) in [
        ("a sound", &include_bytes!("../../fixtures/sound.m4a")[..], Rejection::TypeMismatch),
        ("a sound of WebM", include_bytes!("../../fixtures/sound.webm"), Rejection::TypeMismatch),
        ("a wave", include_bytes!("../../fixtures/sound.wav"), Rejection::TypeMismatch),
        ("a picture", include_bytes!("../../fixtures/moving.gif"), Rejection::TypeMismatch),
        ("a page", page, Rejection::UnsupportedMedia),
        ("without its end", &FILM[..FILM.len() / 2], Rejection::Damaged),
        ("its name alone", &FILM[..32], Rejection::Damaged),
    ] {
        assert_eq!(seen(bytes).unwrap_err(), why, "{name}");
    }
}

#[test]
fn a_page_is_no_picture() {
    for page in [&b"<html>"[..], b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"alert(1)", b"\0\0\0\x18ftypheic", b""]
    {
        let refused = look_at(&job(UploadKind::Image, Purpose::Message), page.to_vec()).unwrap_err();
        assert_eq!(refused, Rejection::UnsupportedMedia);
    }
    assert_eq!(look_at(&job(UploadKind::Image, Purpose::Message), FILM.to_vec()).unwrap_err(), Rejection::TypeMismatch);
}

#[test]
fn files_of_any_kind_are_accepted_as_they_are() {
    let found = look_at(&job(UploadKind::File, Purpose::Message), b"<html><body>".to_vec()).unwrap();
    assert!(found.original.is_none() && found.variants.is_empty());
    assert_eq!(found.media.media_type, "text/html");
}
