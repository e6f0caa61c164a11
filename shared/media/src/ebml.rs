//! The elements of WebM: what may stay does, everything else becomes `Void` where it is.

use crate::{bytes::Bytes, isobmff::MOST_TRACKS};
use std::{collections::HashMap, ops::Range};

const HEAD: u32 = 0x1a45_dfa3;
const SEGMENT: u32 = 0x1853_8067;
const SEEK_HEAD: u32 = 0x114d_9b74;
const INFO: u32 = 0x1549_a966;
const TRACKS: u32 = 0x1654_ae6b;
const CLUSTER: u32 = 0x1f43_b675;
const CUES: u32 = 0x1c53_bb6b;
const TAGS: u32 = 0x1254_c367;
const ATTACHMENTS: u32 = 0x1941_a469;
const CHAPTERS: u32 = 0x1043_a770;
const VOID: u8 = 0xec;

const TIMESTAMP_SCALE: u32 = 0x2a_d7b1;
const DURATION: u32 = 0x4489;
const MUXING_APP: u32 = 0x4d80;
const WRITING_APP: u32 = 0x5741;

const TRACK: u32 = 0xae;
const TRACK_NUMBER: u32 = 0xd7;
const TRACK_TYPE: u32 = 0x83;
const CODEC_ID: u32 = 0x86;
const CODEC_PRIVATE: u32 = 0x63a2;
const DEFAULT_DURATION: u32 = 0x23_e383;
const VIDEO: u32 = 0xe0;
const PIXEL_WIDTH: u32 = 0xb0;
const PIXEL_HEIGHT: u32 = 0xba;

const TIMESTAMP: u32 = 0xe7;
const SIMPLE_BLOCK: u32 = 0xa3;
const BLOCK_GROUP: u32 = 0xa0;
const BLOCK: u32 = 0xa1;
const POSITION: u32 = 0xa7;
const PREVIOUS_SIZE: u32 = 0xab;

/// What may stand in the head of the file, and what in a group beside its block: when it is shown, and what it refers to.
const HEAD_ELEMENTS: &[u32] = &[0x4286, 0x42f7, 0x42f2, 0x42f3, 0x4282, 0x4287, 0x4285];
const GROUP_ELEMENTS: &[u32] = &[BLOCK, 0x9b, 0xfa, 0xfb, 0x75a2, 0xa4];

/// What may stand of a track: numbers, flags, its language, how it is coded, and its picture and sound. Names may not.
const TRACK_ELEMENTS: &[u32] = &[
    TRACK_NUMBER,
    0x73c5,
    TRACK_TYPE,
    0xb9,
    0x88,
    0x55aa,
    0x9c,
    0x6de7,
    0x6df8,
    DEFAULT_DURATION,
    0x23_4e7a,
    0x23_314f,
    0x55ee,
    0x22_b59c,
    0x22_b59d,
    CODEC_ID,
    CODEC_PRIVATE,
    0xaa,
    0x56aa,
    0x56bb,
    VIDEO,
    0xe1,
    0x6d80,
];

/// How long a timestamp's unit is unless the file says so: a millisecond, in nanoseconds.
const MILLISECOND: u64 = 1_000_000;

/// What of a file may stay.
#[derive(Debug, Default)]
pub(crate) struct Wiped {
    pub(crate) tracks: Vec<Track>,
    pub(crate) duration_ms: u64,
}

/// A track that is seen or heard.
#[derive(Debug, Default)]
pub(crate) struct Track {
    number: u64,
    kind: u64,
    pub(crate) codec: String,
    pub(crate) private: Vec<u8>,
    pub(crate) width: u64,
    pub(crate) height: u64,
    /// How long a frame is shown, in nanoseconds; 0 where it is unknown.
    frame: u64,
}

impl Track {
    pub(crate) fn is_video(&self) -> bool {
        self.kind == 1
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.kind == 2
    }

    fn may_stay(&self) -> bool {
        self.is_video() || self.is_sound()
    }
}

/// An element, by where it is.
struct Element {
    id: u32,
    at: usize,
    content: Range<usize>,
    has_size: bool,
}

/// Overwrites what is not needed to play. What stands behind the last whole element is cut off. `None` where there is no
/// movie, or one of too many tracks.
pub(crate) fn wipe(file: &mut Vec<u8>) -> Option<Wiped> {
    let head = read(file, 0, file.len()).filter(|head| head.id == HEAD)?;
    keep(file, head.content.clone(), HEAD_ELEMENTS);
    let segment = read_cut(file, head.content.end, file.len()).filter(|segment| segment.id == SEGMENT)?;
    file.truncate(segment.content.end);
    let (mut wiped, mut clock) = (Wiped::default(), Clock { scale: MILLISECOND, ..Clock::default() });
    let mut at = segment.content.start;
    while at < file.len() {
        let Some(element) = read_cut(file, at, file.len()) else { break };
        match element.id {
            INFO => clock.scale = wipe_info(file, element.content.clone()),
            TRACKS => wipe_tracks(file, element.content.clone(), &mut wiped.tracks),
            CLUSTER => {
                at = wipe_cluster(file, &element, &wiped.tracks, &mut clock);
                continue;
            }
            SEEK_HEAD | CUES => {}
            _ => void(file, &element),
        }
        at = element.content.end;
    }
    file.truncate(at);
    if wiped.tracks.is_empty() || wiped.tracks.len() > MOST_TRACKS {
        return None;
    }
    wiped.duration_ms = clock.duration(&wiped.tracks) / MILLISECOND;
    Some(wiped)
}

/// When blocks are shown, in units of the file.
#[derive(Default)]
struct Clock {
    /// A unit, in nanoseconds.
    scale: u64,
    first: Option<u64>,
    /// Of each track the latest block, and how long before it another one was.
    last: HashMap<u64, (u64, u64)>,
}

impl Clock {
    fn note(&mut self, track: u64, at: u64) {
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        let (last, gap) = self.last.entry(track).or_insert((at, 0));
        if at > *last {
            (*last, *gap) = (at, at - *last);
        }
    }

    /// In nanoseconds, from the first block to the end of the latest.
    fn duration(&self, tracks: &[Track]) -> u64 {
        let ends = self.last.iter().map(|(number, (last, gap))| {
            let frame = tracks.iter().find(|track| track.number == *number).map_or(0, |track| track.frame);
            let frame = if frame > 0 { frame } else { gap.saturating_mul(self.scale) };
            last.saturating_sub(self.first.unwrap_or(0)).saturating_mul(self.scale).saturating_add(frame)
        });
        ends.max().unwrap_or(0)
    }
}

/// Answers the unit of timestamps.
fn wipe_info(file: &mut [u8], range: Range<usize>) -> u64 {
    let mut scale = MILLISECOND;
    for element in children(file, range) {
        match element.id {
            TIMESTAMP_SCALE => scale = number(file, &element).max(1),
            DURATION => {}
            // They must be there, and may be empty.
            MUXING_APP | WRITING_APP => zero(file, element.content),
            _ => void(file, &element),
        }
    }
    scale
}

fn wipe_tracks(file: &mut [u8], range: Range<usize>, tracks: &mut Vec<Track>) {
    for element in children(file, range) {
        if element.id != TRACK {
            void(file, &element);
            continue;
        }
        let track = read_track(file, element.content.clone());
        if track.may_stay() {
            keep(file, element.content, TRACK_ELEMENTS);
            tracks.push(track);
        } else {
            void(file, &element);
        }
    }
}

fn read_track(file: &mut [u8], range: Range<usize>) -> Track {
    let mut track = Track::default();
    for element in children(file, range) {
        match element.id {
            TRACK_NUMBER => track.number = number(file, &element),
            TRACK_TYPE => track.kind = number(file, &element),
            CODEC_ID => {
                String::from_utf8_lossy(content(file, &element)).trim_end_matches('\0').clone_into(&mut track.codec);
            }
            CODEC_PRIVATE => track.private = content(file, &element).to_vec(),
            DEFAULT_DURATION => track.frame = number(file, &element),
            VIDEO => {
                for element in children(file, element.content) {
                    match element.id {
                        PIXEL_WIDTH => track.width = number(file, &element),
                        PIXEL_HEIGHT => track.height = number(file, &element),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    track
}

/// Answers where it ends: one of no size does before what stands in no cluster.
fn wipe_cluster(file: &mut [u8], cluster: &Element, tracks: &[Track], clock: &mut Clock) -> usize {
    let (mut at, mut base) = (cluster.content.start, 0);
    while at < cluster.content.end {
        let Some(element) = read(file, at, cluster.content.end) else { return at };
        let is_outside = [SEEK_HEAD, INFO, TRACKS, CLUSTER, CUES, TAGS, ATTACHMENTS, CHAPTERS].contains(&element.id);
        if is_outside && !cluster.has_size {
            return at;
        }
        match element.id {
            TIMESTAMP => base = number(file, &element),
            POSITION | PREVIOUS_SIZE => {}
            SIMPLE_BLOCK if note_block(file, &element, base, tracks, clock) => {}
            BLOCK_GROUP => {
                let block = children(file, element.content.clone()).into_iter().find(|child| child.id == BLOCK);
                if block.is_some_and(|block| note_block(file, &block, base, tracks, clock)) {
                    keep(file, element.content.clone(), GROUP_ELEMENTS);
                } else {
                    void(file, &element);
                }
            }
            _ => void(file, &element),
        }
        at = element.content.end;
    }
    at
}

/// Whether a block is of a track that may stay. When it is shown is noted.
fn note_block(file: &[u8], block: &Element, base: u64, tracks: &[Track], clock: &mut Clock) -> bool {
    let mut content = Bytes(content(file, block));
    let Some((number, _)) = size(&mut content) else { return false };
    let Some(offset) = content.be16() else { return false };
    let is_known = tracks.iter().any(|track| track.number == number);
    if is_known {
        clock.note(number, base.saturating_add_signed(i64::from(offset.cast_signed())));
    }
    is_known
}

/// Overwrites elements of other ids.
fn keep(file: &mut [u8], range: Range<usize>, ids: &[u32]) {
    for element in children(file, range) {
        if !ids.contains(&element.id) {
            void(file, &element);
        }
    }
}

/// Makes an element an unused one of the same length.
fn void(file: &mut [u8], element: &Element) {
    let Some(bytes) = file.get_mut(element.at..element.content.end) else { return };
    bytes.fill(0);
    // One byte is the id, up to eight are the size; what is left of a long id and size is content.
    let width = (element.content.start - element.at - 1).clamp(1, 8);
    let Some((head, content)) = bytes.split_at_mut_checked(1 + width) else { return };
    let length = u64::try_from(content.len()).unwrap_or(0) | 1 << (7 * width);
    head.copy_from_slice(&[&[VOID], &length.to_be_bytes()[8 - width..]].concat());
}

fn zero(file: &mut [u8], range: Range<usize>) {
    if let Some(bytes) = file.get_mut(range) {
        bytes.fill(0);
    }
}

fn content<'a>(file: &'a [u8], element: &Element) -> &'a [u8] {
    file.get(element.content.clone()).unwrap_or_default()
}

fn number(file: &[u8], element: &Element) -> u64 {
    content(file, element).iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The elements in a range. What is none at its end becomes zeros.
fn children(file: &mut [u8], range: Range<usize>) -> Vec<Element> {
    let (mut at, mut found) = (range.start, Vec::new());
    while let Some(element) = read(file, at, range.end) {
        at = element.content.end;
        found.push(element);
    }
    zero(file, at..range.end);
    found
}

/// The element at a place, which is whole before another.
fn read(file: &[u8], at: usize, end: usize) -> Option<Element> {
    read_to(file, at, end).filter(|(_, is_whole)| *is_whole).map(|(element, _)| element)
}

/// The same, cut at the other place if it would reach beyond.
fn read_cut(file: &[u8], at: usize, end: usize) -> Option<Element> {
    let (element, is_whole) = read_to(file, at, end)?;
    (is_whole || matches!(element.id, SEGMENT | CLUSTER)).then_some(element)
}

fn read_to(file: &[u8], at: usize, end: usize) -> Option<(Element, bool)> {
    let mut header = Bytes(file.get(at..end)?);
    let available = header.0.len();
    let first = *header.0.first()?;
    let id = match first.leading_zeros() {
        0 => u32::from(header.u8()?),
        1 => u32::from(header.be16()?),
        2 => u32::from(header.u8()?) << 16 | u32::from(header.be16()?),
        3 => header.be32()?,
        _ => return None,
    };
    let (length, is_known) = size(&mut header)?;
    let start = at + (available - header.0.len());
    // Only these two may leave their size open.
    if !is_known && !matches!(id, SEGMENT | CLUSTER) {
        return None;
    }
    let stop = usize::try_from(length).ok().and_then(|length| start.checked_add(length)).filter(|stop| *stop <= end);
    let is_whole = !is_known || stop.is_some();
    let content = start..if is_known { stop.unwrap_or(end) } else { end };
    Some((Element { id, at, content, has_size: is_known }, is_whole))
}

/// A size of one to eight bytes, and whether it is one: all bits set say that it is open.
fn size(bytes: &mut Bytes<'_>) -> Option<(u64, bool)> {
    let first = *bytes.0.first()?;
    let width = usize::try_from(first.leading_zeros()).ok()? + 1;
    let content = bytes.take(width).filter(|_| width <= 8)?;
    let value = content.iter().fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
    let most = (1_u64 << (7 * width)) - 1;
    Some((value & most, value & most != most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(id: u32, content: &[u8]) -> Vec<u8> {
        let id = id.to_be_bytes();
        let id = &id[usize::try_from(u32::from_be_bytes(id).leading_zeros() / 8).unwrap()..];
        let length = u32::try_from(content.len()).unwrap() | 0x1000_0000;
        [id, &length.to_be_bytes(), content].concat()
    }

    fn movie(cluster: &[u8]) -> Vec<u8> {
        let info = [
            element(TIMESTAMP_SCALE, &[0x0f, 0x42, 0x40]),
            element(0x4461, b"a date"),
            element(WRITING_APP, b"an app"),
            b"\0no element".to_vec(),
        ];
        let video = [element(PIXEL_WIDTH, &[1, 0]), element(PIXEL_HEIGHT, &[200])].concat();
        let track = [
            element(TRACK_NUMBER, &[1]),
            element(TRACK_TYPE, &[1]),
            element(CODEC_ID, b"V_VP8"),
            element(0x536e, b"a name"),
            element(VIDEO, &video),
            b"\0no element".to_vec(),
        ];
        let place = [element(TRACK_NUMBER, &[2]), element(TRACK_TYPE, &[0x21])];
        let subtitles = [element(TRACK_NUMBER, &[3]), element(TRACK_TYPE, &[0x11])];
        let tracks = [track.concat(), place.concat(), subtitles.concat()].map(|track| element(TRACK, &track)).concat();
        let segment =
            [element(INFO, &info.concat()), element(TRACKS, &tracks), cluster.to_vec(), element(TAGS, b"a tag")];
        [element(HEAD, &element(0x4282, b"webm")), element(SEGMENT, &segment.concat()), b"behind".to_vec()].concat()
    }

    fn blocks() -> Vec<u8> {
        let blocks = [
            element(TIMESTAMP, &[0x03, 0xe8]),
            element(SIMPLE_BLOCK, b"\x81\0\0\x80frame"),
            element(SIMPLE_BLOCK, b"\x82\0\0\x80a place"),
            element(SIMPLE_BLOCK, b"\x83\0\0\x80a line"),
            element(
                BLOCK_GROUP,
                &[element(BLOCK, b"\x81\0\x28\x80frame"), element(0x75a1, b"an addition"), b"\0no element".to_vec()]
                    .concat(),
            ),
        ];
        blocks.concat()
    }

    #[test]
    fn everything_not_played_becomes_void() {
        let mut file = movie(&element(CLUSTER, &blocks()));
        let before = file.len();
        let wiped = wipe(&mut file).unwrap();
        assert_eq!((wiped.tracks.len(), wiped.tracks[0].width, wiped.tracks[0].height), (1, 256, 200));
        assert_eq!(wiped.duration_ms, 80, "from the first block to as long after the last");
        assert_eq!(file.len(), before - b"behind".len());
        for word in
            [&b"a date"[..], b"an app", b"a name", b"a place", b"a line", b"an addition", b"a tag", b"no element"]
        {
            assert!(!file.windows(word.len()).any(|window| window == word), "{word:?}");
        }
        assert_eq!(file.windows(5).filter(|window| window == b"frame").count(), 2);
        let again = file.clone();
        wipe(&mut file).unwrap();
        assert_eq!(file, again, "nothing moved");
    }

    #[test]
    fn movie_of_too_many_tracks_is_none() {
        let track = [element(TRACK_NUMBER, &[1]), element(TRACK_TYPE, &[1])].concat();
        let movie = |tracks| {
            let tracks = element(TRACKS, &element(TRACK, &track).repeat(tracks));
            [element(HEAD, b""), element(SEGMENT, &tracks)].concat()
        };
        assert!(wipe(&mut movie(MOST_TRACKS)).is_some());
        assert!(wipe(&mut movie(MOST_TRACKS + 1)).is_none());
    }

    #[test]
    fn live_recording_has_no_sizes() {
        let cluster =
            [&CLUSTER.to_be_bytes()[..], &[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &blocks()].concat();
        let mut file = movie(&cluster);
        let wiped = wipe(&mut file).unwrap();
        assert_eq!(wiped.duration_ms, 80);
        assert!(!file.windows(5).any(|window| window == b"a tag"));
    }

    mod properties {
        use super::*;
        use proptest::prelude::*;

        proptest! {
            #[test]
            fn any_bytes_are_wiped_or_refused(bytes: Vec<u8>) {
                let mut file = [element(HEAD, b""), bytes].concat();
                let length = file.len();
                let _ = wipe(&mut file);
                prop_assert!(file.len() <= length);
            }

            #[test]
            fn any_change_of_a_movie_is_wiped_or_refused(at in 0_usize..400, byte: u8) {
                let mut file = movie(&element(CLUSTER, &blocks()));
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
