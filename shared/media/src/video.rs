use crate::{Found, ebml, isobmff, sniff::Container, sound};
use domain::{Media, Rejection};
use re_mp4::{Mp4, Sample, StsdBoxContent};
use std::{ops::Range, time::Duration};

/// The longest side.
const LONGEST_SIDE: u32 = 8_192;

/// What makes `mp4a` an MPEG-4 sound, whose own kind follows.
const MPEG4_AUDIO: u8 = 0x40;

pub(crate) fn look(format: Container, mut bytes: Vec<u8>, longest: Duration) -> Result<Found, Rejection> {
    let facts = match format {
        Container::Mp4 | Container::QuickTime => {
            let (wiped, movie) = wipe_movie(&mut bytes)?;
            if !wiped.has_video {
                return Err(if wiped.has_sound { Rejection::TypeMismatch } else { Rejection::Damaged });
            }
            Facts::of_movie(&movie)
        }
        Container::Webm => Facts::of_webm(&ebml::wipe(&mut bytes).ok_or(Rejection::Damaged)?)?,
    };
    let Facts { width, height, duration_ms, codecs } = facts.ok_or(Rejection::Damaged)?;
    if width.max(height) > LONGEST_SIDE {
        return Err(Rejection::TooManyPixels);
    }
    if Duration::from_millis(duration_ms) > longest {
        return Err(Rejection::TooLong);
    }
    let media = Media {
        media_type: format.media_type().to_owned(),
        size: bytes.len() as u64,
        width: Some(width),
        height: Some(height),
        duration_ms: Some(duration_ms),
        codecs: Some(codecs),
        ..Media::default()
    };
    Ok(Found { media, original: Some(bytes), variants: Vec::new() })
}

/// A voice note in what could hold a video.
pub(crate) fn look_as_sound(format: Container, mut bytes: Vec<u8>, longest: Duration) -> Result<Found, Rejection> {
    let (has_video, has_sound) = match format {
        Container::Mp4 | Container::QuickTime => {
            let (wiped, _) = wipe_movie(&mut bytes)?;
            (wiped.has_video, wiped.has_sound)
        }
        Container::Webm => {
            let wiped = ebml::wipe(&mut bytes).ok_or(Rejection::Damaged)?;
            (wiped.tracks.iter().any(ebml::Track::is_video), wiped.tracks.iter().any(ebml::Track::is_sound))
        }
    };
    if has_video {
        return Err(Rejection::TypeMismatch);
    }
    if !has_sound {
        return Err(Rejection::Damaged);
    }
    let media = Media { media_type: format.sound_type().to_owned(), ..sound::listen(&bytes, longest)? };
    Ok(Found { media, original: Some(bytes), variants: Vec::new() })
}

/// Leaves what may stay, and reads that alone.
fn wipe_movie(bytes: &mut Vec<u8>) -> Result<(isobmff::Wiped, Mp4), Rejection> {
    let wiped = isobmff::wipe(bytes).ok_or(Rejection::Damaged)?;
    let movie = Mp4::read_bytes(bytes).map_err(|_| Rejection::Damaged)?;
    // Of several runs in one fragment of a track, only the first one's place is read right.
    let is_placed = movie.moofs.iter().flat_map(|fragment| &fragment.trafs).all(|track| track.truns.len() <= 1);
    if !is_placed {
        return if wiped.dropped.is_empty() { Ok((wiped, movie)) } else { Err(Rejection::Damaged) };
    }
    let range = |sample: &Sample| Some(sample.offset..sample.offset.checked_add(sample.size)?);
    let samples = movie.tracks().values().flat_map(|track| &track.samples);
    let samples: Option<Vec<Range<u64>>> = samples.map(range).collect();
    samples.and_then(|samples| isobmff::wipe_data(bytes, &wiped, samples)).ok_or(Rejection::Damaged)?;
    Ok((wiped, movie))
}

struct Facts {
    width: u32,
    height: u32,
    duration_ms: u64,
    codecs: String,
}

impl Facts {
    fn of_movie(movie: &Mp4) -> Option<Self> {
        let mut facts = Self { width: 0, height: 0, duration_ms: 0, codecs: String::new() };
        let (mut video, mut sound) = (None, None);
        for track in movie.tracks().values() {
            let header = &track.trak(movie).tkhd;
            // Only a track that is seen has a size.
            if facts.width == 0 && track.width > 0 {
                let is_turned = header.matrix.a == 0 && header.matrix.d == 0;
                let size = (u32::from(track.width), u32::from(track.height));
                (facts.width, facts.height) = if is_turned { (size.1, size.0) } else { size };
            }
            let duration_ms = units(&track.samples).saturating_mul(1_000).checked_div(track.timescale).unwrap_or(0);
            facts.duration_ms = facts.duration_ms.max(duration_ms);
            let media = &track.trak(movie).mdia;
            let known = if &media.hdlr.handler_type.value == b"vide" { &mut video } else { &mut sound };
            let codec = || track.codec_string(movie).or_else(|| codec(&media.minf.stbl.stsd.contents));
            *known = known.take().or_else(codec);
        }
        facts.codecs = codecs(video, sound);
        facts.is_whole().then_some(facts)
    }

    /// `TypeMismatch` where nothing is seen.
    fn of_webm(wiped: &ebml::Wiped) -> Result<Option<Self>, Rejection> {
        let video = wiped.tracks.iter().find(|track| track.is_video()).ok_or(Rejection::TypeMismatch)?;
        let side = |pixels| u32::try_from(pixels).unwrap_or(u32::MAX);
        let sound = wiped.tracks.iter().find(|track| track.is_sound());
        let codecs = codecs(webm_codec(video), sound.and_then(webm_codec));
        let duration_ms = wiped.duration_ms;
        let facts = Self { width: side(video.width), height: side(video.height), duration_ms, codecs };
        Ok(facts.is_whole().then_some(facts))
    }

    fn is_whole(&self) -> bool {
        self.width > 0 && self.height > 0 && self.duration_ms > 0
    }
}

/// How long samples are shown. What is more than one can be is the last one's below zero, where a header names too short a time.
fn units(samples: &[Sample]) -> u64 {
    let durations = samples.iter().map(|sample| sample.duration);
    durations.filter(|duration| u32::try_from(*duration).is_ok()).fold(0, u64::saturating_add)
}

/// Those of what is played: of each kind, the first track.
fn codecs(video: Option<String>, sound: Option<String>) -> String {
    [video, sound].into_iter().flatten().collect::<Vec<_>>().join(",")
}

/// What is no video's codec.
fn codec(content: &StsdBoxContent) -> Option<String> {
    match content {
        StsdBoxContent::Mp4a(sound) => {
            let config = &sound.esds.as_ref()?.es_desc.dec_config;
            let kind = config.object_type_indication;
            let is_mpeg4 = kind == MPEG4_AUDIO;
            Some(if is_mpeg4 { format!("mp4a.40.{}", config.dec_specific.profile) } else { format!("mp4a.{kind:02x}") })
        }
        StsdBoxContent::Unknown(name) => {
            let name = std::str::from_utf8(&name.value).ok()?.trim_end();
            let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            is_word.then(|| name.to_owned())
        }
        _ => None,
    }
}

fn webm_codec(track: &ebml::Track) -> Option<String> {
    Some(match track.codec.as_str() {
        "V_VP8" => "vp8".to_owned(),
        "V_VP9" => "vp9".to_owned(),
        "V_AV1" => {
            let [_, level, depth, ..] = track.private[..] else { return Some("av01".to_owned()) };
            let tier = if depth & 0x80 == 0 { 'M' } else { 'H' };
            let bits = match depth & 0x60 {
                0x60 => 12,
                0x40 => 10,
                _ => 8,
            };
            format!("av01.{}.{:02}{tier}.{bits:02}", level >> 5, level & 0x1f)
        }
        "A_OPUS" => "opus".to_owned(),
        "A_VORBIS" => "vorbis".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
