use crate::{
    Found,
    loudness::{Loudness, WINDOWS},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{Media, Rejection};
use std::{io::Cursor, time};
use symphonia::core::{
    codecs::audio::{AudioDecoder, AudioDecoderOptions, well_known::CODEC_ID_OPUS},
    errors::Error,
    formats::{FormatOptions, FormatReader, Track, TrackType, probe::Hint, well_known},
    io::{MediaSourceStream, MediaSourceStreamOptions},
    meta::MetadataOptions,
    packet::Packet,
    units::{Duration, TimeBase, Timestamp},
};

/// What is shorter is nothing.
const SHORTEST_MS: u64 = 100;

/// Of so many packets one may fail to be decoded.
const FAILURES: usize = 10;

/// A voice note of a format that has nothing but sound.
pub(crate) fn look(bytes: &[u8], longest: time::Duration) -> Result<Found, Rejection> {
    let media = listen(bytes, longest)?;
    // It looked like one of them by its first bytes alone.
    if media.media_type.is_empty() { Err(Rejection::Damaged) } else { Ok(Found::unchanged(media)) }
}

/// Duration and waveform; of formats that are only sound, the type too.
pub(crate) fn listen(bytes: &[u8], longest: time::Duration) -> Result<Media, Rejection> {
    let source = MediaSourceStream::new(Box::new(Cursor::new(bytes)), MediaSourceStreamOptions::default());
    let probed = symphonia::default::get_probe().probe(
        &Hint::new(),
        source,
        FormatOptions::default(),
        MetadataOptions::default(),
    );
    let mut format = probed.map_err(|error| match error {
        Error::Unsupported(_) => Rejection::UnsupportedMedia,
        _ => Rejection::Damaged,
    })?;
    let track = format.default_track(TrackType::Audio).ok_or(Rejection::UnsupportedMedia)?;
    let mut ear = Ear::of(track, longest).ok_or(Rejection::UnsupportedMedia)?;
    let media_type = media_type(&*format);
    loop {
        match format.next_packet() {
            Ok(Some(packet)) if packet.track_id == ear.track => ear.hear(&packet)?,
            Ok(Some(_)) => {}
            // What is cut off is heard as far as it goes.
            Ok(None) => break,
            Err(_) if ear.packets > 0 => break,
            Err(_) => return Err(Rejection::Damaged),
        }
    }
    let duration_ms = ear.to;
    if duration_ms < SHORTEST_MS {
        return Err(Rejection::TooShort);
    }
    Ok(Media {
        media_type: media_type.to_owned(),
        size: bytes.len() as u64,
        duration_ms: Some(duration_ms),
        waveform: Some(BASE64_STANDARD.encode(ear.waveform())),
        ..Media::default()
    })
}

fn media_type(format: &dyn FormatReader) -> &'static str {
    match format.format_info().format {
        well_known::FORMAT_ID_ADTS => "audio/aac",
        well_known::FORMAT_ID_MP3 => "audio/mpeg",
        well_known::FORMAT_ID_OGG => "audio/ogg",
        well_known::FORMAT_ID_WAVE => "audio/wav",
        _ => "",
    }
}

/// Hears the packets of one track.
struct Ear {
    track: u32,
    time_base: TimeBase,
    is_opus: bool,
    /// None of a codec that is not decoded here.
    decoder: Option<Box<dyn AudioDecoder>>,
    loudness: Loudness,
    samples: Vec<f32>,
    packets: usize,
    failed: usize,
    /// In milliseconds.
    from: Option<u64>,
    to: u64,
    longest: u64,
}

impl Ear {
    fn of(track: &Track, longest: time::Duration) -> Option<Self> {
        let parameters = track.codec_params.as_ref()?.audio()?;
        let decoder =
            symphonia::default::get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default()).ok();
        let time_base = track.time_base.or_else(|| TimeBase::try_from_recip(parameters.sample_rate?))?;
        Some(Self {
            track: track.id,
            time_base,
            is_opus: parameters.codec == CODEC_ID_OPUS,
            decoder,
            loudness: Loudness::default(),
            samples: Vec::new(),
            packets: 0,
            failed: 0,
            from: None,
            to: 0,
            longest: u64::try_from(longest.as_millis()).unwrap_or(u64::MAX),
        })
    }

    fn hear(&mut self, packet: &Packet) -> Result<(), Rejection> {
        let at = self.time_of(packet.pts);
        let from = *self.from.get_or_insert(at);
        let length = match self.length_of(packet.dur) {
            0 if self.is_opus => opus_length(&packet.data),
            length => length,
        };
        let (at, to) = (at.saturating_sub(from), at.saturating_add(length).saturating_sub(from));
        if to > self.longest {
            return Err(Rejection::TooLong);
        }
        self.to = self.to.max(to);
        self.packets += 1;
        self.loudness.weigh(at, to, packet.data.len());
        let heard = self.decoder.as_mut().and_then(|decoder| decoder.decode(packet).ok());
        let Some(heard) = heard else {
            self.failed += 1;
            return Ok(());
        };
        heard.copy_to_vec_interleaved(&mut self.samples);
        self.loudness.hear(at, heard.spec().rate(), heard.spec().channels().count(), &self.samples);
        Ok(())
    }

    /// What was heard; by the sizes of packets where too little could be decoded.
    fn waveform(&self) -> [u8; WINDOWS] {
        if self.failed > self.packets / FAILURES {
            return self.loudness.weighed(self.to);
        }
        self.loudness.heard(self.to)
    }

    /// In milliseconds; what is before the beginning is at it.
    fn time_of(&self, at: Timestamp) -> u64 {
        u64::try_from(self.time_base.calc_time_saturating(at).as_millis()).unwrap_or(0)
    }

    fn length_of(&self, length: Duration) -> u64 {
        u64::try_from(self.time_base.calc_duration_saturating(length).as_millis()).unwrap_or(0)
    }
}

/// How long a packet of Opus plays that its container gives no length, in milliseconds.
fn opus_length(packet: &[u8]) -> u64 {
    let Some(head) = packet.first() else { return 0 };
    // In tenths of milliseconds.
    let frame = match head >> 3 {
        mode @ 0..12 => [100, 200, 400, 600][usize::from(mode & 3)],
        mode @ 12..16 => [100, 200][usize::from(mode & 1)],
        mode => [25, 50, 100, 200][usize::from(mode & 3)],
    };
    let frames = match head & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(0, |count| u64::from(count & 0x3f)),
    };
    frame * frames / 10
}

#[cfg(test)]
mod tests;
