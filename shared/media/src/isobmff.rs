//! The boxes of MP4 and QuickTime: what may stay does, everything else is overwritten where it is.

use crate::bytes::{Bytes, index};
use std::ops::Range;

/// How many tracks a movie may have.
pub(crate) const MOST_TRACKS: usize = 16;

/// What a movie has that may stay.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wiped {
    pub(crate) has_video: bool,
    pub(crate) has_sound: bool,
    /// Where media data are.
    data: Vec<Range<usize>>,
    /// Tracks that were overwritten.
    pub(crate) dropped: Vec<u32>,
}

/// A box, by where it is.
#[derive(Clone)]
struct Found {
    name: [u8; 4],
    at: usize,
    content: Range<usize>,
}

/// What a track is.
#[derive(PartialEq, Eq)]
enum Handler {
    Video,
    Sound,
    /// Nobody sees or hears it. Cameras write their places as subtitles.
    Other,
}

/// Overwrites metadata, tracks that are neither seen nor heard, and times of creation. What can't be a box behind the movie is cut off.
/// `None` where the boxes are none, or the tracks too many.
pub(crate) fn wipe(file: &mut Vec<u8>) -> Option<Wiped> {
    let mut wiped = Wiped::default();
    let mut boxes = Vec::new();
    let mut at = 0;
    while at < file.len() {
        let Some(found) = read(file, at, file.len()) else {
            // Some phones write more behind their movies.
            if !boxes.iter().any(|found: &Found| &found.name == b"moov") {
                return None;
            }
            file.truncate(at);
            break;
        };
        at = found.content.end;
        boxes.push(found);
    }
    // Fragments name tracks of the movie, wherever it is.
    for movie in boxes.iter().filter(|found| &found.name == b"moov") {
        wipe_movie(file, movie.content.clone(), &mut wiped)?;
    }
    for found in &boxes {
        match &found.name {
            b"ftyp" | b"styp" | b"sidx" | b"mfra" | b"moov" => {}
            b"mdat" => wiped.data.push(found.content.clone()),
            b"moof" => wipe_fragment(file, found.content.clone(), &wiped.dropped)?,
            _ => free(file, found),
        }
    }
    Some(wiped)
}

/// Overwrites what of the media data is in no sample. `None` where a sample is not in the file.
pub(crate) fn wipe_data(file: &mut [u8], wiped: &Wiped, mut samples: Vec<Range<u64>>) -> Option<()> {
    samples.sort_unstable_by_key(|sample| sample.start);
    let mut used: Vec<Range<usize>> = Vec::new();
    for sample in samples {
        let (start, end) = (index(sample.start), index(sample.end));
        if start > end || end > file.len() {
            return None;
        }
        match used.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => used.push(start..end),
        }
    }
    for data in &wiped.data {
        let mut at = data.start;
        let first = used.partition_point(|used| used.end <= data.start);
        for used in used.get(first..)?.iter().take_while(|used| used.start < data.end) {
            zero(file, at..used.start.max(at));
            at = used.end;
        }
        zero(file, at.min(data.end)..data.end);
    }
    Some(())
}

fn wipe_movie(file: &mut [u8], range: Range<usize>, wiped: &mut Wiped) -> Option<()> {
    let boxes = children(file, range)?;
    if boxes.iter().filter(|found| &found.name == b"trak").count() > MOST_TRACKS {
        return None;
    }
    for found in boxes {
        match &found.name {
            b"mvhd" => zero_times(file, &found)?,
            b"trak" => {
                let handler = handler(file, &found)?;
                wiped.has_video |= handler == Handler::Video;
                wiped.has_sound |= handler == Handler::Sound;
                if handler == Handler::Other {
                    wiped.dropped.extend(track_id(file, &found));
                    free(file, &found);
                } else {
                    wipe_track(file, found.content)?;
                }
            }
            b"mvex" => keep(file, found.content, &[b"mehd", b"trex"])?,
            b"iods" => {}
            _ => free(file, &found),
        }
    }
    Some(())
}

fn wipe_track(file: &mut [u8], range: Range<usize>) -> Option<()> {
    for found in children(file, range)? {
        match &found.name {
            b"tkhd" => zero_times(file, &found)?,
            b"mdia" => wipe_media(file, found.content)?,
            b"edts" => keep(file, found.content, &[b"elst"])?,
            b"tref" => {}
            _ => free(file, &found),
        }
    }
    Some(())
}

fn wipe_media(file: &mut [u8], range: Range<usize>) -> Option<()> {
    for found in children(file, range)? {
        match &found.name {
            b"mdhd" => zero_times(file, &found)?,
            b"hdlr" => zero_name(file, &found),
            b"minf" => {
                for found in children(file, found.content)? {
                    match &found.name {
                        b"vmhd" | b"smhd" | b"dinf" => {}
                        b"hdlr" => zero_name(file, &found),
                        b"stbl" => wipe_tables(file, found.content)?,
                        _ => free(file, &found),
                    }
                }
            }
            _ => free(file, &found),
        }
    }
    Some(())
}

fn wipe_tables(file: &mut [u8], range: Range<usize>) -> Option<()> {
    const TABLES: &[&[u8; 4]] = &[
        b"stsd", b"stts", b"ctts", b"cslg", b"stsc", b"stsz", b"stz2", b"stco", b"co64", b"stss", b"stps", b"sdtp",
        b"sbgp", b"sgpd",
    ];
    keep(file, range, TABLES)
}

fn wipe_fragment(file: &mut [u8], range: Range<usize>, dropped: &[u32]) -> Option<()> {
    for found in children(file, range)? {
        match &found.name {
            b"mfhd" => {}
            b"traf" => {
                let header = children(file, found.content.clone())?.into_iter().find(|child| &child.name == b"tfhd")?;
                let mut header = Bytes(file.get(header.content)?);
                header.be32()?;
                if dropped.contains(&header.be32()?) {
                    free(file, &found);
                } else {
                    keep(file, found.content, &[b"tfhd", b"tfdt", b"trun", b"sdtp", b"sbgp", b"sgpd"])?;
                }
            }
            _ => free(file, &found),
        }
    }
    Some(())
}

/// Overwrites boxes of other names.
fn keep(file: &mut [u8], range: Range<usize>, names: &[&[u8; 4]]) -> Option<()> {
    for found in children(file, range)? {
        if !names.contains(&&found.name) {
            free(file, &found);
        }
    }
    Some(())
}

fn handler(file: &[u8], track: &Found) -> Option<Handler> {
    let media = children(file, track.content.clone())?.into_iter().find(|child| &child.name == b"mdia")?;
    let handler = children(file, media.content)?.into_iter().find(|child| &child.name == b"hdlr")?;
    Some(match file.get(handler.content)?.get(8..12)? {
        b"vide" => Handler::Video,
        b"soun" => Handler::Sound,
        _ => Handler::Other,
    })
}

fn track_id(file: &[u8], track: &Found) -> Option<u32> {
    let header = children(file, track.content.clone())?.into_iter().find(|child| &child.name == b"tkhd")?;
    let mut header = Bytes(file.get(header.content)?);
    let version = header.u8()?;
    header.take(if version == 1 { 19 } else { 11 })?;
    header.be32()
}

/// Times of creation and change, behind version and flags.
fn zero_times(file: &mut [u8], found: &Found) -> Option<()> {
    let start = found.content.start;
    let length = if *file.get(found.content.clone())?.first()? == 1 { 16 } else { 8 };
    zero(file, start + 4..(start + 4 + length).min(found.content.end));
    Some(())
}

/// The name of a handler: a camera's, often.
fn zero_name(file: &mut [u8], found: &Found) {
    zero(file, (found.content.start + 24).min(found.content.end)..found.content.end);
}

/// Makes a box an unused one of the same size.
fn free(file: &mut [u8], found: &Found) {
    if let Some(name) = file.get_mut(found.at + 4..found.at + 8) {
        name.copy_from_slice(b"free");
    }
    zero(file, found.content.clone());
}

fn zero(file: &mut [u8], range: Range<usize>) {
    if let Some(bytes) = file.get_mut(range) {
        bytes.fill(0);
    }
}

/// The boxes in a range. What is too short for one at the end, such as QuickTime's closing zeros, is overwritten by nobody and is none.
fn children(file: &[u8], range: Range<usize>) -> Option<Vec<Found>> {
    let (mut at, mut found) = (range.start, Vec::new());
    while range.end.saturating_sub(at) >= 8 {
        let child = read(file, at, range.end)?;
        at = child.content.end;
        found.push(child);
    }
    Some(found)
}

/// The box at a place, which ends before another.
fn read(file: &[u8], at: usize, end: usize) -> Option<Found> {
    let mut header = Bytes(file.get(at..end)?);
    let available = header.0.len();
    let short = header.be32()?;
    let name: [u8; 4] = header.take(4)?.try_into().ok()?;
    let length = match short {
        0 => available,
        1 => index(header.be64()?),
        short => index(short),
    };
    let start = at + (available - header.0.len());
    let stop = at.checked_add(length)?;
    (start <= stop && stop <= end).then_some(Found { name, at, content: start..stop })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A box of boxes or bytes.
    fn boxed(name: &[u8], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len() + 8).unwrap();
        [&length.to_be_bytes()[..], name, content].concat()
    }

    fn track(id: u8, handler: &[u8]) -> Vec<u8> {
        let header = boxed(b"tkhd", &[&[0; 4][..], b"timetime", &[0, 0, 0, id], &[0; 68]].concat());
        let handler = boxed(b"hdlr", &[&[0; 8][..], handler, &[0; 12], b"a camera's name\0"].concat());
        boxed(b"trak", &[header, boxed(b"mdia", &handler)].concat())
    }

    #[test]
    fn tracks_of_places_and_names_of_cameras_go() {
        let place = boxed(b"udta", &boxed(b"\xa9xyz", b"+37.5665+126.9780/"));
        let movie = boxed(b"moov", &[track(1, b"vide"), track(2, b"meta"), track(3, b"sbtl"), place].concat());
        let mut file =
            [boxed(b"ftyp", b"isom\0\0\0\0"), movie, boxed(b"mdat", b"abcdef"), b"trailer".to_vec()].concat();
        let before = file.len();
        let wiped = wipe(&mut file).unwrap();
        assert_eq!((wiped.has_video, wiped.has_sound, &wiped.dropped[..]), (true, false, &[2, 3][..]));
        assert_eq!(file.len(), before - 7);
        for word in [&b"37.5665"[..], b"camera", b"time", b"meta", b"sbtl", b"udta", b"xyz"] {
            assert!(!file.windows(word.len()).any(|window| window == word), "{word:?}");
        }
        let at = u64::try_from(file.len() - 6).unwrap();
        wipe_data(&mut file, &wiped, vec![at + 4..at + 5, at..at + 2]).unwrap();
        assert!(file.ends_with(b"ab\0\0e\0"));
    }

    #[test]
    fn movie_of_too_many_tracks_is_damaged() {
        let mut most = boxed(b"moov", &track(1, b"vide").repeat(MOST_TRACKS));
        assert!(wipe(&mut most).is_some());
        let mut more = boxed(b"moov", &track(1, b"vide").repeat(MOST_TRACKS + 1));
        assert_eq!(wipe(&mut more), None);
    }

    #[test]
    fn boxes_that_reach_beyond_their_parents_are_damaged() {
        let mut movie = boxed(b"moov", &boxed(b"trak", &[0; 8]));
        movie[8 + 3] = 200;
        assert_eq!(wipe(&mut movie), None);
        assert_eq!(wipe(&mut b"\0\0\0\x07ftyp".to_vec()), None);
        assert!(wipe_data(&mut [0; 4], &Wiped::default(), vec![0..1, 2..5]).is_none());
    }

    mod properties {
        use super::*;
        use proptest::prelude::*;

        proptest! {
            #[test]
            fn any_bytes_are_wiped_or_refused(mut bytes: Vec<u8>, samples: Vec<(u16, u16)>) {
                let length = bytes.len();
                if let Some(wiped) = wipe(&mut bytes) {
                    let samples = samples.into_iter().map(|(from, to)| u64::from(from)..u64::from(to)).collect();
                    let _ = wipe_data(&mut bytes, &wiped, samples);
                }
                prop_assert!(bytes.len() <= length);
            }

            #[test]
            fn any_change_of_a_movie_is_wiped_or_refused(at in 0_usize..400, byte: u8) {
                let movie = boxed(b"moov", &[track(1, b"vide"), track(2, b"meta")].concat());
                let mut file = [boxed(b"ftyp", b"isom\0\0\0\0"), movie, boxed(b"mdat", b"abcdef")].concat();
                let length = file.len();
                if let Some(changed) = file.get_mut(at) {
                    *changed = byte;
                }
                let _ = wipe(&mut file);
                prop_assert!(file.len() <= length);
            }
        }
    }
}
