use super::*;
use crate::look::{look, tests::job};
use domain::{Purpose, UploadKind};

fn heard(bytes: &[u8]) -> Result<Media, Rejection> {
    look(&job(UploadKind::Voice, Purpose::Message), bytes.to_vec()).map(|found| found.media)
}

fn waveform(media: &Media) -> Vec<u8> {
    BASE64_STANDARD.decode(media.waveform.as_ref().unwrap()).unwrap()
}

fn wav(rate: u32, samples: &[u8]) -> Vec<u8> {
    let length = u32::try_from(samples.len()).unwrap();
    let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    wav.extend(rate.to_le_bytes());
    wav.extend(rate.to_le_bytes());
    wav.extend(b"\x01\0\x08\0data");
    wav.extend(length.to_le_bytes());
    wav.extend(samples);
    let whole = u32::try_from(wav.len() - 8).unwrap();
    wav[4..8].copy_from_slice(&whole.to_le_bytes());
    wav
}

#[test]
fn silence_and_sound_are_told_apart_in_every_format() {
    for (bytes, media_type, duration) in [
        (&include_bytes!("../../fixtures/opus.ogg")[..], "audio/ogg", 2_000),
        (include_bytes!("../../fixtures/vorbis.ogg"), "audio/ogg", 2_000),
        (include_bytes!("../../fixtures/sound.webm"), "audio/webm", 2_000),
        (include_bytes!("../../fixtures/live.webm"), "audio/webm", 2_000),
        (include_bytes!("../../fixtures/sound.m4a"), "audio/mp4", 2_000),
        (include_bytes!("../../fixtures/sound.aac"), "audio/aac", 2_000),
        (include_bytes!("../../fixtures/sound.mp3"), "audio/mpeg", 2_000),
        (include_bytes!("../../fixtures/sound.wav"), "audio/wav", 1_000),
    ] {
        let media = heard(bytes).unwrap();
        assert_eq!(media.media_type, media_type);
        let length = media.duration_ms.unwrap();
        assert!(length.abs_diff(duration) <= 150, "{media_type}: {length} ms");
        let waveform = waveform(&media);
        assert_eq!(waveform.len(), WINDOWS);
        let (silence, sound) = (&waveform[5..40], &waveform[60..95]);
        assert!(silence.iter().all(|value| *value < 60), "{media_type}: {waveform:?}");
        assert!(sound.iter().all(|value| *value > 100), "{media_type}: {waveform:?}");
    }
}

#[test]
fn too_little_and_too_much_are_refused() {
    assert_eq!(heard(include_bytes!("../../fixtures/short.mp3")).unwrap_err(), Rejection::TooShort);
    assert_eq!(heard(&wav(8_000, &[128; 700])).unwrap_err(), Rejection::TooShort);
    assert_eq!(heard(&wav(8_000, &[])).unwrap_err(), Rejection::TooShort);
    assert_eq!(heard(&wav(100, &vec![128; 15 * 60 * 100 + 50])).unwrap().duration_ms, Some(900_500));
    assert_eq!(heard(&wav(100, &vec![128; 15 * 60 * 100 + 200])).unwrap_err(), Rejection::TooLong);
}

#[test]
fn silence_is_zeros() {
    assert_eq!(waveform(&heard(&wav(8_000, &[128; 8_000])).unwrap()), [0; WINDOWS]);
}

#[test]
fn truncated_sound_is_read_to_its_end() {
    for bytes in [&include_bytes!("../../fixtures/opus.ogg")[..], include_bytes!("../../fixtures/live.webm")] {
        let media = heard(&bytes[..bytes.len() * 3 / 4]).unwrap();
        assert!((800..2_000).contains(&media.duration_ms.unwrap()), "{:?}", media.duration_ms);
    }
}

#[test]
fn file_that_is_not_a_sound_is_refused() {
    for (bytes, why) in [
        (&b"OggS not really"[..], Rejection::Damaged),
        (b"<html>", Rejection::UnsupportedMedia),
        (include_bytes!("../../fixtures/progressive.jpg"), Rejection::TypeMismatch),
        (include_bytes!("../../fixtures/film.mp4"), Rejection::TypeMismatch),
        (include_bytes!("../../fixtures/film.webm"), Rejection::TypeMismatch),
    ] {
        assert_eq!(heard(bytes).unwrap_err(), why);
    }
}

#[test]
fn places_in_a_recording_go() {
    for (fixture, bytes) in [
        ("sound.m4a", &include_bytes!("../../fixtures/sound.m4a")[..]),
        ("sound.webm", include_bytes!("../../fixtures/sound.webm")),
    ] {
        let has_canary = |bytes: &[u8]| bytes.windows(6).any(|window| window == b"canary");
        assert!(has_canary(bytes));
        let kept = look(&job(UploadKind::Voice, Purpose::Message), bytes.to_vec()).unwrap().original.unwrap();
        assert!(!has_canary(&kept), "{fixture}");
        assert_eq!(heard(&kept).unwrap().waveform, heard(bytes).unwrap().waveform, "{fixture}");
    }
}

#[test]
fn packets_of_opus_know_their_lengths() {
    for (packet, ms) in [
        (&[0b0000_0000][..], 10),
        (&[0b0001_1000], 60),
        (&[0b0110_1001], 40),
        (&[0b1111_1000], 20),
        (&[0b1111_1011, 3], 60),
        (&[], 0),
        (&[0b1111_1011], 0),
    ] {
        assert_eq!(opus_length(packet), ms, "{packet:?}");
    }
}
