//! Frames for many connections, as jobs of a function that pushes them.

use crate::Audience;
use domain::{RoomKey, Timestamp, UserId};
use mongo::Connection;
use queue::{FanoutFrame, FanoutJob, Target};
use std::collections::HashMap;

/// For how many connections one job is: few jobs a message, so that messages which wait together meet in one batch and share frames.
const CHUNK: usize = 250;

/// How long the frames of one job may be in all: a message of SQS has at most 256 KB, escapes and connections included.
const MOST_BYTES: usize = 100_000;

/// A frame and whom it is for.
#[derive(Debug)]
pub(crate) struct Addressed {
    pub(crate) audience: Audience,
    pub(crate) text: String,
}

/// Jobs that push each frame to those of some connections that it is for.
pub(crate) fn chunks(
    frames: &[Addressed],
    connections: &[Connection],
    room: Option<RoomKey>,
    not_after: Timestamp,
) -> Vec<FanoutJob> {
    let mut of_people: HashMap<UserId, Vec<&Connection>> = HashMap::new();
    for connection in connections {
        of_people.entry(connection.user).or_default().push(connection);
    }
    let mut chunker = Chunker::default();
    for Addressed { audience, text } in frames {
        let theirs = audience.people.iter().filter_map(|user| of_people.get(user)).flatten();
        let theirs = theirs.filter(|connection| audience.except.as_ref() != Some(&connection.id));
        chunker.add(text, theirs.map(|connection| target(connection)).collect());
    }
    chunker.finish().into_iter().map(|frames| FanoutJob { room, frames, not_after }).collect()
}

fn target(connection: &Connection) -> Target {
    let Connection { id, user, connected_at, .. } = connection;
    Target { id: id.clone(), user: *user, connected_at: *connected_at }
}

/// Fills one job after the other.
#[derive(Default)]
struct Chunker {
    full: Vec<Vec<FanoutFrame>>,
    frames: Vec<FanoutFrame>,
    connections: usize,
    bytes: usize,
}

impl Chunker {
    fn add(&mut self, text: &str, mut connections: Vec<Target>) {
        while !connections.is_empty() {
            if self.connections == CHUNK || self.bytes + text.len() > MOST_BYTES {
                self.close();
            }
            let later = connections.split_off(connections.len().min(CHUNK - self.connections));
            self.connections += connections.len();
            self.bytes += text.len();
            self.frames.push(FanoutFrame { text: text.to_owned(), connections });
            connections = later;
        }
    }

    fn close(&mut self) {
        if !self.frames.is_empty() {
            self.full.push(std::mem::take(&mut self.frames));
        }
        (self.connections, self.bytes) = (0, 0);
    }

    fn finish(mut self) -> Vec<Vec<FanoutFrame>> {
        self.close();
        self.full
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::connection;
    use domain::{ConnectionId, RoomId};
    use std::collections::BTreeSet;

    const ROOM: Option<RoomKey> = Some(RoomKey::group(RoomId(7)));
    const LATE: Timestamp = Timestamp::from_millis(15_000);

    /// So many people with two connections each.
    fn connections(people: i32) -> Vec<Connection> {
        let of = |user: i32| ["a", "b"].map(|device| connection(user, &format!("{device}{user}")));
        (0..people).flat_map(of).collect()
    }

    fn to(people: impl IntoIterator<Item = i32>, text: &str) -> Addressed {
        let audience = Audience { people: people.into_iter().map(UserId).collect(), except: None };
        Addressed { audience, text: text.to_owned() }
    }

    fn sizes(jobs: &[FanoutJob]) -> Vec<Vec<usize>> {
        let of = |job: &FanoutJob| job.frames.iter().map(|frame| frame.connections.len()).collect();
        jobs.iter().map(of).collect()
    }

    #[test]
    fn one_frame_for_many_is_cut_into_chunks() {
        let jobs = chunks(&[to(0..300, "{}")], &connections(300), ROOM, LATE);

        assert_eq!(sizes(&jobs), [[250], [250], [100]]);
        let targets = jobs.iter().flat_map(|job| &job.frames).flat_map(|frame| &frame.connections);
        let names: BTreeSet<_> = targets.map(|target| &target.id.0).collect();
        assert_eq!(names.len(), 600);
    }

    #[test]
    fn frames_of_one_person_each_share_a_job() {
        let frames: Vec<_> = (0..300).map(|user| to([user], &format!("{user}"))).collect();

        let jobs = chunks(&frames, &connections(300), ROOM, LATE);

        assert_eq!(jobs.len(), 3);
        assert_eq!(jobs.iter().map(|job| job.frames.len()).sum::<usize>(), 300);
    }

    #[test]
    fn long_frames_get_jobs_of_their_own() {
        let long = "x".repeat(MOST_BYTES / 2 + 1);

        let jobs = chunks(&[to([1], &long), to([2], &long), to([3], "{}")], &connections(4), ROOM, LATE);

        assert_eq!(sizes(&jobs), [vec![2], vec![2, 2]]);
    }

    #[test]
    fn strangers_and_the_excepted_connection_get_nothing() {
        let mut frame = to([1, 2, 9], "{}");
        frame.audience.except = Some(ConnectionId("a1".to_owned()));

        let jobs = chunks(&[frame], &connections(4), ROOM, LATE);

        let names: Vec<_> = jobs[0].frames[0].connections.iter().map(|target| target.id.0.as_str()).collect();
        assert_eq!(names, ["b1", "a2", "b2"]);
        assert_eq!(chunks(&[to([9], "{}")], &connections(4), ROOM, LATE), []);
    }
}
