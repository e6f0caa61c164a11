//! What waits for each connection, and how it is packed.

use contract::Frame;
use domain::{ConnectionId, Fault, OrLog as _, Rev, RoomKey, Timestamp};
use queue::{FanoutFrame, FanoutJob, Target};
use realtime::round_robin;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::HashMap};

/// How long a pushed text may be; the protocol says so.
pub(crate) const MOST_BYTES: usize = 30_000;

/// How long a text is around packed frames: `{"t":"batch","d":[]}`.
const AROUND: usize = 20;

/// Everything that waits for one connection, in the order in which it goes there.
#[derive(Debug)]
pub(crate) struct Parcel<'a> {
    pub(crate) target: &'a Target,
    pub(crate) frames: Vec<Waiting<'a>>,
}

/// A frame that waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting<'a> {
    frame: &'a RawValue,
    pub(crate) not_after: Timestamp,
    /// The job that it came with, and which of its frames it is.
    pub(crate) job: usize,
    pub(crate) index: usize,
    place: Place,
}

/// Where a frame belongs: its room, and its number there. What has no number comes last.
type Place = (Option<RoomKey>, bool, Option<Rev>);

#[derive(Deserialize)]
struct Head {
    room: Option<RoomKey>,
    rev: Option<Rev>,
}

/// What waits for each connection, everybody's first connection before anybody's second. What came twice waits once.
pub(crate) fn parcels(jobs: &[FanoutJob]) -> Vec<Parcel<'_>> {
    let mut places: HashMap<&ConnectionId, usize> = HashMap::new();
    let mut parcels: Vec<Parcel<'_>> = Vec::new();
    for (job, FanoutJob { frames, not_after, .. }) in jobs.iter().enumerate() {
        for (index, FanoutFrame { text, connections }) in frames.iter().enumerate() {
            let Some((frame, place)) = read(text).or_log("read a frame") else { continue };
            let waiting = Waiting { frame, not_after: *not_after, job, index, place };
            for target in connections {
                let place = *places.entry(&target.id).or_insert_with(|| {
                    parcels.push(Parcel { target, frames: Vec::new() });
                    parcels.len() - 1
                });
                parcels[place].frames.push(waiting);
            }
        }
    }
    for parcel in &mut parcels {
        parcel.frames.sort_by_key(|waiting| waiting.place);
        parcel.frames.dedup_by(|copy, first| {
            let is_same = copy.frame.get() == first.frame.get();
            // The one that is worth longer stays.
            if is_same && copy.not_after > first.not_after {
                *first = *copy;
            }
            is_same
        });
    }
    round_robin(parcels, |parcel| parcel.target.user)
}

fn read(text: &str) -> Result<(&RawValue, Place), Fault> {
    // serde_json's own words may quote a message.
    let broken = |error: serde_json::Error| Fault::internal(format!("the frame has a {:?} error", error.classify()));
    let (frame, Head { room, rev }) =
        (serde_json::from_str(text).map_err(broken)?, serde_json::from_str(text).map_err(broken)?);
    Ok((frame, (room, rev.is_none(), rev)))
}

/// The first of some frames as one text, and how many of them it has: as many as fit, and at least one.
pub(crate) fn pack<'a>(first: &Waiting<'a>, all: &[Waiting<'a>]) -> (Cow<'a, str>, usize) {
    let mut bytes = AROUND;
    let fitting = all.iter().take_while(|waiting| {
        bytes += waiting.frame.get().len() + 1;
        bytes <= MOST_BYTES
    });
    let fitting: Vec<_> = fitting.map(|waiting| waiting.frame.to_owned()).collect();
    let number = fitting.len();
    match (number > 1).then(|| Frame::of_batch(fitting).to_text()) {
        Some(Ok(text)) => (Cow::Owned(text), number),
        Some(Err(_)) | None => (Cow::Borrowed(first.frame.get()), 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::UserId;
    use std::time::Duration;

    const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn message(room: i32, rev: i64) -> String {
        format!(r#"{{"t":"message.created","room":"group:{room}","rev":{rev},"d":{{"content":"안녕"}}}}"#)
    }

    fn target(user: i32, name: &str) -> Target {
        Target { id: ConnectionId(name.to_owned()), user: UserId(user), connected_at: NOON }
    }

    fn job(text: &str, connections: &[(i32, &str)]) -> FanoutJob {
        let connections = connections.iter().map(|(user, name)| target(*user, name)).collect();
        let frame = FanoutFrame { text: text.to_owned(), connections };
        FanoutJob { room: None, frames: vec![frame], not_after: NOON }
    }

    fn texts<'a>(parcel: &Parcel<'a>) -> Vec<&'a str> {
        parcel.frames.iter().map(|waiting| waiting.frame.get()).collect()
    }

    #[test]
    fn frames_wait_in_the_order_of_their_room() {
        let changed = r#"{"t":"member.changed","room":"group:7","d":{}}"#;
        let all = [message(7, 12), changed.to_owned(), message(9, 1), message(7, 2), message(7, 11)];
        let jobs: Vec<_> = all.iter().map(|text| job(text, &[(1, "a")])).collect();

        let parcels = parcels(&jobs);

        assert_eq!(parcels.len(), 1);
        let expected = [&message(7, 2), &message(7, 11), &message(7, 12), changed, &message(9, 1)];
        assert_eq!(texts(&parcels[0]), expected);
    }

    #[test]
    fn repeated_frame_is_kept_once() {
        let jobs =
            [job(&message(7, 2), &[(1, "a")]), job(&message(7, 1), &[(1, "a")]), job(&message(7, 2), &[(1, "a")])];

        assert_eq!(texts(&parcels(&jobs)[0]), [message(7, 1), message(7, 2)]);
    }

    #[test]
    fn later_deadline_of_two_copies_is_kept() {
        let (short, mut long) = (job(&message(7, 2), &[(1, "a")]), job(&message(7, 2), &[(1, "a")]));
        long.not_after = NOON.plus(Duration::from_secs(1));
        for jobs in [[short.clone(), long.clone()], [long.clone(), short.clone()]] {
            let parcels = parcels(&jobs);

            let lives: Vec<_> = parcels[0].frames.iter().map(|waiting| waiting.not_after).collect();
            assert_eq!(lives, [long.not_after]);
        }
    }

    #[test]
    fn everybody_is_reached_before_anybody_twice() {
        let jobs = [job("{}", &[(1, "a1"), (1, "a2")]), job("{}", &[(2, "b1"), (1, "a3")])];

        let names: Vec<_> = parcels(&jobs).iter().map(|parcel| parcel.target.id.0.clone()).collect();

        assert_eq!(names, ["a1", "b1", "a2", "a3"]);
    }

    #[test]
    fn frames_are_packed_up_to_the_limit() {
        let text = |rev| format!(r#"{{"rev":{rev},"d":"{}"}}"#, "x".repeat(9_000));
        let texts: Vec<_> = (1..=7).map(text).collect();
        let jobs: Vec<_> = texts.iter().map(|text| job(text, &[(1, "a")])).collect();
        let parcels = parcels(&jobs);
        let (mut rest, mut packed) = (&parcels[0].frames[..], Vec::new());
        while !rest.is_empty() {
            let (text, number) = pack(&rest[0], rest);
            assert!(text.len() <= MOST_BYTES, "{}", text.len());
            packed.push(number);
            rest = &rest[number..];
        }

        // The last one is alone, and goes as it is.
        assert_eq!(packed, [3, 3, 1]);
        assert_eq!(pack(&parcels[0].frames[6], &parcels[0].frames[6..]).0, texts[6]);
    }

    #[test]
    fn frame_that_is_longer_than_the_limit_goes_alone() {
        let long = format!(r#"{{"rev":1,"d":"{}"}}"#, "x".repeat(MOST_BYTES));
        let jobs = [job(&long, &[(1, "a")]), job(r#"{"rev":2}"#, &[(1, "a")])];
        let parcels = parcels(&jobs);

        assert_eq!(pack(&parcels[0].frames[0], &parcels[0].frames), (Cow::Borrowed(&*long), 1));
    }

    #[test]
    fn packed_frames_are_the_frames() {
        let both = [message(7, 1), message(7, 2)];
        let jobs: Vec<_> = both.iter().map(|text| job(text, &[(1, "a")])).collect();

        let parcels = parcels(&jobs);
        let (text, number) = pack(&parcels[0].frames[0], &parcels[0].frames);

        let expected = format!(r#"{{"t":"batch","d":[{},{}]}}"#, both[0], both[1]);
        assert_eq!((&*text, number), (&*expected, 2));
    }
}
