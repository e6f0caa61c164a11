//! Jobs are pushed, packed, tried again and dropped.

use domain::{Clock, ConnectionId, Random, RoomId, RoomKey, Timestamp, UserId};
use fanout::{App, Report};
use futures_util::future::BoxFuture;
use queue::{FanoutFrame, FanoutJob, PresenceJob, Target};
use realtime::{Push, PushError, Pusher};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use testkit::{RecordedQueue, pushing::Recorder};
use tokio::time::{Instant, sleep};

const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// How long a batch has.
const TIME: Duration = Duration::from_secs(19);

/// A function with all that it sends.
struct Scene {
    app: App,
    pushed: Arc<Recorder>,
    fanout: Arc<RecordedQueue>,
    presence: Arc<RecordedQueue>,
}

impl Scene {
    fn new() -> Self {
        let taken = Arc::new(Recorder::default());
        Self::through(taken.clone(), taken)
    }

    fn through(pusher: Pusher, taken: Arc<Recorder>) -> Self {
        let (fanout, presence) = (Arc::new(RecordedQueue::default()), Arc::new(RecordedQueue::default()));
        let app = App {
            pusher,
            fanout: Some(fanout.clone()),
            presence: Some(presence.clone()),
            clock: Clock(|| NOON),
            random: Random(|bytes| bytes.fill(128)),
        };
        Self { app, pushed: taken, fanout, presence }
    }
}

fn frame(rev: i64) -> Value {
    json!({ "t": "message.created", "room": "group:7", "rev": rev, "d": { "content": "안녕" } })
}

fn target(user: i32, name: &str) -> Target {
    Target { id: ConnectionId(name.to_owned()), user: UserId(user), connected_at: NOON }
}

fn job(frame: &Value, names: &[&str]) -> FanoutJob {
    let connections = (1..).zip(names).map(|(user, name)| target(user, name)).collect();
    let frames = vec![FanoutFrame { text: frame.to_string(), connections }];
    FanoutJob { room: Some(RoomKey::group(RoomId(7))), frames, not_after: NOON.plus(Duration::from_secs(6)) }
}

fn late(job: FanoutJob) -> FanoutJob {
    FanoutJob { not_after: NOON, ..job }
}

#[tokio::test]
async fn every_connection_of_a_batch_is_told_once() {
    let scene = Scene::new();

    let report =
        scene.app.push(&[job(&frame(1), &["a", "b"]), job(&frame(1), &["c"]), job(&frame(1), &["a"])], TIME).await;

    assert_eq!(scene.pushed.connections(), ["a", "b", "c"]);
    assert_eq!(scene.pushed.frames("a"), [frame(1)]);
    assert_eq!(report, Report { sent: 3, ..Report::default() });
}

#[tokio::test]
async fn frames_that_wait_together_go_as_one_in_order() {
    let scene = Scene::new();

    let report =
        scene.app.push(&[job(&frame(3), &["a"]), job(&frame(1), &["a", "b"]), job(&frame(2), &["a"])], TIME).await;

    assert_eq!(scene.pushed.frames("a"), [json!({ "t": "batch", "d": [frame(1), frame(2), frame(3)] })]);
    assert_eq!(scene.pushed.frames("b"), [frame(1)]);
    assert_eq!(report.sent, 4);
}

#[tokio::test]
async fn a_job_that_comes_again_is_pushed_again_as_it_was() {
    let scene = Scene::new();
    let jobs = [job(&frame(2), &["a"]), job(&frame(1), &["a"])];

    scene.app.push(&jobs, TIME).await;
    scene.app.push(&[jobs[1].clone(), jobs[0].clone()], TIME).await;

    let batch = json!({ "t": "batch", "d": [frame(1), frame(2)] });
    assert_eq!(scene.pushed.frames("a"), [batch.clone(), batch]);
}

#[tokio::test]
async fn late_frame_is_dropped() {
    let scene = Scene::new();

    let report = scene.app.push(&[late(job(&frame(1), &["a", "b"])), job(&frame(2), &["a"])], TIME).await;

    assert_eq!(scene.pushed.all(), [("a".to_owned(), frame(2))]);
    assert_eq!(report, Report { sent: 1, late: 2, ..Report::default() });
}

#[tokio::test]
async fn text_that_is_no_frame_is_skipped() {
    let scene = Scene::new();
    let mut broken = job(&frame(1), &["a"]);
    broken.frames[0].text = "{".to_owned();

    scene.app.push(&[broken, job(&frame(2), &["a"])], TIME).await;

    assert_eq!(scene.pushed.frames("a"), [frame(2)]);
}

#[tokio::test]
async fn closed_connections_are_told_in_one_job() {
    let scene = Scene::new();

    let report = scene.app.push(&[job(&frame(1), &["gone", "a"]), job(&frame(2), &["gone"])], TIME).await;

    assert_eq!(report, Report { sent: 1, gone: 1, ..Report::default() });
    let jobs = scene.presence.all();
    assert_eq!((jobs.len(), jobs[0].delay), (1, Duration::from_secs(30)));
    let told = PresenceJob::parse(&jobs[0].body).unwrap();
    assert_eq!((told.users, told.gone), (vec![], vec![target(1, "gone")]));
    assert_eq!(told.gone_by, Some(scene.app.clock.now()), "who leaves later is told by another job");
}

#[tokio::test]
async fn closed_connection_is_counted_without_a_presence_queue() {
    let mut scene = Scene::new();
    scene.app.presence = None;

    assert_eq!(scene.app.push(&[job(&frame(1), &["gone"])], TIME).await.gone, 1);
}

/// Fails a few pushes with one kind of error, then takes everything.
#[derive(Debug)]
struct Stubborn {
    failures: usize,
    tries: AtomicUsize,
    error: fn() -> PushError,
    taken: Arc<Recorder>,
}

impl Push for Stubborn {
    fn push<'a>(&'a self, connection: &'a ConnectionId, text: &'a str) -> BoxFuture<'a, Result<(), PushError>> {
        if self.tries.fetch_add(1, Ordering::Relaxed) < self.failures {
            return Box::pin(async { Err((self.error)()) });
        }
        self.taken.push(connection, text)
    }

    fn close<'a>(&'a self, connection: &'a ConnectionId) -> BoxFuture<'a, Result<(), PushError>> {
        self.taken.close(connection)
    }
}

fn throttled() -> PushError {
    PushError::Failed("429".to_owned())
}

fn stubborn(failures: usize, error: fn() -> PushError) -> (Scene, Arc<Stubborn>) {
    let taken = Arc::new(Recorder::default());
    let pusher = Arc::new(Stubborn { failures, tries: AtomicUsize::new(0), error, taken: taken.clone() });
    (Scene::through(pusher.clone(), taken), pusher)
}

#[tokio::test(start_paused = true)]
async fn throttled_push_is_tried_again() {
    let (scene, pusher) = stubborn(3, throttled);

    let report = scene.app.push(&[job(&frame(1), &["a"])], TIME).await;

    assert_eq!(report, Report { sent: 1, ..Report::default() });
    assert_eq!(pusher.tries.load(Ordering::Relaxed), 4);
    assert_eq!(scene.fanout.sends(), 0);
}

#[tokio::test(start_paused = true)]
async fn push_that_stays_throttled_goes_back_to_the_queue_alone() {
    let scene = Scene::new();
    scene.pushed.fail(&["b"]);
    let jobs = [job(&frame(1), &["a", "b"]), late(job(&frame(2), &["b"])), job(&frame(3), &["a"])];
    let begun = Instant::now();

    let report = scene.app.push(&jobs, TIME).await;

    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(report, Report { sent: 2, late: 1, again: 1, ..Report::default() });
    let again = scene.fanout.all();
    assert_eq!((again.len(), again[0].delay), (1, Duration::from_secs(1)));
    let mut rest = job(&frame(1), &["a", "b"]);
    rest.frames[0].connections.remove(0);
    assert_eq!(FanoutJob::parse(&again[0].body).unwrap(), rest);
}

#[tokio::test(start_paused = true)]
async fn frame_that_would_be_late_does_not_return_to_the_queue() {
    let scene = Scene::new();
    scene.pushed.fail(&["a"]);
    let soon = FanoutJob { not_after: NOON.plus(Duration::from_secs(1)), ..job(&frame(1), &["a"]) };

    let report = scene.app.push(&[soon], TIME).await;

    assert_eq!(report, Report { late: 1, ..Report::default() });
    assert_eq!(scene.fanout.all(), []);
}

#[tokio::test(start_paused = true)]
async fn too_large_and_forbidden_frames_are_tried_once() {
    for error in [|| PushError::TooLarge, || PushError::Forbidden] {
        let (scene, pusher) = stubborn(1, error);

        let report = scene.app.push(&[job(&frame(1), &["a"])], TIME).await;

        assert_eq!(report, Report { refused: 1, ..Report::default() });
        assert_eq!(pusher.tries.load(Ordering::Relaxed), 1);
    }
}

/// Takes two seconds for connections named `slow`, in vain.
#[derive(Debug)]
struct Hanging(Arc<Recorder>);

impl Push for Hanging {
    fn push<'a>(&'a self, connection: &'a ConnectionId, text: &'a str) -> BoxFuture<'a, Result<(), PushError>> {
        if !connection.0.starts_with("slow") {
            return self.0.push(connection, text);
        }
        Box::pin(async {
            sleep(Duration::from_secs(2)).await;
            Err(PushError::Failed("late".to_owned()))
        })
    }

    fn close<'a>(&'a self, connection: &'a ConnectionId) -> BoxFuture<'a, Result<(), PushError>> {
        self.0.close(connection)
    }
}

#[tokio::test(start_paused = true)]
async fn one_connection_that_hangs_is_left_to_another_batch() {
    let taken = Arc::new(Recorder::default());
    let scene = Scene::through(Arc::new(Hanging(taken.clone())), taken);
    let begun = Instant::now();

    let report = scene.app.push(&[job(&frame(1), &["slow", "a", "gone"])], TIME).await;

    assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
    assert_eq!(report, Report { sent: 1, again: 1, gone: 1, ..Report::default() });
    assert_eq!((scene.fanout.all().len(), scene.presence.all().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn many_connections_that_hang_do_not_outlast_the_batch() {
    let taken = Arc::new(Recorder::default());
    let scene = Scene::through(Arc::new(Hanging(taken.clone())), taken);
    let mut names: Vec<_> = (0..1_000).map(|number| format!("slow{number}")).collect();
    names.insert(0, "gone".to_owned());
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let begun = Instant::now();

    let report = scene.app.push(&[job(&frame(1), &names)], TIME).await;

    assert!(begun.elapsed() < TIME, "{:?}", begun.elapsed());
    assert_eq!(report, Report { again: 1_000, gone: 1, ..Report::default() });
    assert_eq!(scene.presence.all().len(), 1);
}
