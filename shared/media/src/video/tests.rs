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

#[test]
fn what_is_no_film_is_refused() {
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
