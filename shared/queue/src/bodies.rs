use crate::{Job, Queue};
use domain::{ConnectionId, Fault, MessageId, RoomKey, Seq, Timestamp, UserId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::time::Duration;

/// How many people one job has looked at.
const MOST_PEOPLE: usize = 100;

/// The version of the bodies.
const VERSION: u32 = 1;

/// An open connection, as a job names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Which.
    pub id: ConnectionId,
    /// Whose.
    pub user: UserId,
    /// When it was opened.
    #[serde(with = "millis")]
    pub connected_at: Timestamp,
}

/// Push frames to connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanoutJob {
    /// The room that the frames are of, if they are of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomKey>,
    /// The frames.
    pub frames: Vec<FanoutFrame>,
    /// When it is too late: clients have it by `sync` then.
    #[serde(with = "millis")]
    pub not_after: Timestamp,
}

/// A frame and whom it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanoutFrame {
    /// The frame.
    pub text: String,
    /// To whom.
    pub connections: Vec<Target>,
}

/// Look whether people are online, and tell their friends if that has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceJob {
    /// Who.
    #[serde(default)]
    pub users: Vec<UserId>,
    /// Connections that are closed, to be forgotten first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Target>,
    /// How often this was put off.
    #[serde(default)]
    pub again: u32,
    /// That somebody left after this is told by the job of their leaving, which comes later. Versions before sent none.
    #[serde(default, with = "millis_or_none", skip_serializing_if = "Option::is_none")]
    pub gone_by: Option<Timestamp>,
}

/// Look what somebody's devices must be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushJob {
    /// Why.
    pub kind: PushKind,
    /// The room, of everything but friends and tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomKey>,
    /// The message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<MessageId>,
    /// Its number, or up to which number a person has read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// How often this was tried before.
    #[serde(default, rename = "try")]
    pub tries: u32,
    /// When what it is about happened.
    #[serde(with = "millis")]
    pub at: Timestamp,
    /// Who did it; of a look at a room, with which member it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<UserId>,
    /// The one person whom it is for; of a look at a room, with which member it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<UserId>,
    /// Only these devices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Device>,
}

/// Why devices may have to be told something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PushKind {
    /// A message was sent.
    Message,
    /// A message may still be unread though everybody was there.
    Check,
    /// Devices could not be told before.
    Retry,
    /// Somebody has read what their devices still show.
    Clear,
    /// A friend request was made or accepted.
    Friend,
    /// A person wants to see that pushes arrive.
    Test,
}

/// A device of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Whose.
    pub user: UserId,
    /// Which: the id that the app has given itself.
    pub installation: String,
}

impl FanoutJob {
    /// The job; jobs of one room do not delay those of others.
    pub fn to_job(&self, delay: Duration) -> Job {
        Job { body: write(self), delay, group: self.room.map(|room| room.to_string()) }
    }

    /// Reads a body.
    pub fn parse(body: &str) -> Result<Self, Fault> {
        read(body)
    }
}

impl PresenceJob {
    /// How long a person may be without a connection before friends are told; most reconnect within it.
    pub const GRACE: Duration = Duration::from_secs(30);

    /// Has people looked at after a while, and answers whether the queue took it all.
    pub async fn send(to: &dyn Queue, users: &[UserId], again: u32, delay: Duration, now: Timestamp) -> bool {
        // Whoever has left by then has been away for the grace when the job comes.
        let gone_by = Some(now.plus(delay).minus(Self::GRACE));
        let of = |users: &[UserId]| Self { users: users.to_vec(), again, gone_by, ..Self::default() }.to_job(delay);
        let jobs: Vec<_> = users.chunks(MOST_PEOPLE).map(of).collect();
        jobs.is_empty() || to.send(&jobs).await.is_empty()
    }

    /// The job.
    pub fn to_job(&self, delay: Duration) -> Job {
        Job { body: write(self), delay, group: None }
    }

    /// Reads a body.
    pub fn parse(body: &str) -> Result<Self, Fault> {
        read(body)
    }
}

impl PushJob {
    /// The job; jobs of one room do not delay those of others.
    pub fn to_job(&self, delay: Duration) -> Job {
        Job { body: write(self), delay, group: self.room.map(|room| room.to_string()) }
    }

    /// Reads a body.
    pub fn parse(body: &str) -> Result<Self, Fault> {
        read(body)
    }
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    v: u32,
    #[serde(flatten)]
    body: T,
}

fn write<T: Serialize>(body: &T) -> String {
    // Bodies of texts and numbers can be written; SQS would refuse an empty one.
    let json = serde_json::to_string(&Versioned { v: VERSION, body }).unwrap_or_default();
    // SQS takes no noncharacters, and outside of texts JSON has none.
    json.replace('\u{fffe}', r"\ufffe").replace('\u{ffff}', r"\uffff")
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T, Fault> {
    let read: Result<Versioned<T>, _> = serde_json::from_str(json);
    match read {
        Ok(Versioned { v: VERSION, body }) => Ok(body),
        Ok(Versioned { v, .. }) => Err(Fault::internal(format!("the job has version {v}"))),
        // serde_json's own words may quote a message.
        Err(error) => Err(Fault::internal(format!("the job has a {:?} error", error.classify()))),
    }
}

/// Timestamps as milliseconds.
mod millis {
    use domain::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.millis())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_millis)
    }
}

mod millis_or_none {
    use domain::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(Timestamp::millis).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(Timestamp::from_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::RoomId;
    use proptest::{collection::vec, option, prelude::*};
    use serde_json::{Value, json};

    const ROOM: RoomKey = RoomKey::group(RoomId(7));

    fn value(job: &Job) -> Value {
        serde_json::from_str(&job.body).unwrap()
    }

    #[test]
    fn bodies_have_the_shape_that_running_functions_read() {
        let target =
            Target { id: ConnectionId("c=".to_owned()), user: UserId(3), connected_at: Timestamp::from_millis(5) };
        let fanout = FanoutJob {
            room: Some(ROOM),
            frames: vec![FanoutFrame { text: "{}".to_owned(), connections: vec![target.clone()] }],
            not_after: Timestamp::from_millis(9),
        };
        let gone_by = Some(Timestamp::from_millis(8));
        let presence = PresenceJob { users: vec![UserId(3)], gone: vec![target], again: 1, gone_by };
        let push = PushJob {
            kind: PushKind::Message,
            room: Some(ROOM),
            id: Some(MessageId([1; 12])),
            seq: Some(Seq(4)),
            tries: 0,
            at: Timestamp::from_millis(9),
            from: None,
            to: None,
            devices: Vec::new(),
        };

        let target = json!({ "id": "c=", "user": 3, "connected_at": 5 });
        assert_eq!(
            value(&fanout.to_job(Duration::ZERO)),
            json!({ "v": 1, "room": "group:7", "frames": [{ "text": "{}", "connections": [target] }], "not_after": 9 })
        );
        assert_eq!(
            value(&presence.to_job(Duration::ZERO)),
            json!({ "v": 1, "users": [3], "gone": [target], "again": 1, "gone_by": 8 })
        );
        assert_eq!(
            value(&push.to_job(Duration::ZERO)),
            json!({ "v": 1, "kind": "message", "room": "group:7", "id": "010101010101010101010101", "seq": 4, "try": 0,
                "at": 9 })
        );
    }

    #[test]
    fn body_of_another_version_is_refused() {
        assert!(PresenceJob::parse(r#"{"v":1,"users":[3],"later":true}"#).is_ok());
        for wrong in [r#"{"v":2,"users":[3]}"#, r#"{"users":[3]}"#, r#"{"v":1,"users":3}"#, "", "null", "[]"] {
            assert!(PresenceJob::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn refusal_of_a_body_quotes_nothing_of_it() {
        let fault = FanoutJob::parse(
            r#"{"v":1,"room":"group:7","frames":[{"text":"hush","connections":"hush"}],"not_after":9}"#,
        );
        assert!(!format!("{:?}", fault.unwrap_err()).contains("hush"));
    }

    fn targets() -> impl Strategy<Value = Vec<Target>> {
        let target = |(id, user, at)| Target {
            id: ConnectionId(id),
            user: UserId(user),
            connected_at: Timestamp::from_millis(at),
        };
        vec(("\\PC*", any::<i32>(), any::<i64>()).prop_map(target), 0..4)
    }

    fn rooms() -> impl Strategy<Value = RoomKey> {
        (any::<bool>(), 0..i32::MAX)
            .prop_map(|(is_group, id)| if is_group { RoomKey::group(RoomId(id)) } else { RoomKey::private(RoomId(id)) })
    }

    fn pushes() -> impl Strategy<Value = PushJob> {
        let kinds = prop_oneof![
            Just(PushKind::Message),
            Just(PushKind::Check),
            Just(PushKind::Retry),
            Just(PushKind::Clear),
            Just(PushKind::Friend),
            Just(PushKind::Test)
        ];
        let people = (option::of(any::<i32>()), option::of(any::<i32>()), vec((any::<i32>(), any::<String>()), 0..4));
        let message = (option::of(rooms()), option::of(any::<[u8; 12]>()), option::of(any::<i64>()));
        (kinds, message, any::<u32>(), any::<i64>(), people).prop_map(
            |(kind, (room, id, seq), tries, at, (from, to, devices))| PushJob {
                kind,
                room,
                id: id.map(MessageId),
                seq: seq.map(Seq),
                tries,
                at: Timestamp::from_millis(at),
                from: from.map(UserId),
                to: to.map(UserId),
                devices: devices
                    .into_iter()
                    .map(|(user, installation)| Device { user: UserId(user), installation })
                    .collect(),
            },
        )
    }

    proptest! {
        #[test]
        fn fanout_job_reads_back_and_is_text_that_sqs_takes(
            room in option::of(rooms()),
            text: String,
            connections in targets(),
            not_after: i64,
        ) {
            let text = format!("{text}\u{0}\u{fffe}\u{ffff}");
            let frames = vec![FanoutFrame { text, connections }];
            let written = FanoutJob { room, frames, not_after: Timestamp::from_millis(not_after) };
            let job = written.to_job(Duration::ZERO);
            let is_taken = job.body.chars().all(|c| c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'));
            prop_assert!(is_taken);
            prop_assert_eq!(&job.group, &room.map(|room| room.to_string()));
            prop_assert_eq!(FanoutJob::parse(&job.body).unwrap(), written);
        }

        #[test]
        fn presence_job_reads_back(users: Vec<i32>, gone in targets(), again: u32, gone_by: Option<i64>) {
            let (users, gone_by) = (users.into_iter().map(UserId).collect(), gone_by.map(Timestamp::from_millis));
            let written = PresenceJob { users, gone, again, gone_by };
            prop_assert_eq!(PresenceJob::parse(&written.to_job(Duration::ZERO).body).unwrap(), written);
        }

        #[test]
        fn push_job_reads_back(written in pushes()) {
            prop_assert_eq!(PushJob::parse(&written.to_job(Duration::ZERO).body).unwrap(), written);
        }

        #[test]
        fn any_text_is_read_or_refused(text in r#".*|\{"v":1,("users"|"kind"|"room"|"try"):(.*)\}"#) {
            // Nothing panics, and what is read is written in a form that reads the same.
            if let Ok(job) = PresenceJob::parse(&text) {
                prop_assert_eq!(PresenceJob::parse(&job.to_job(Duration::ZERO).body).unwrap(), job);
            }
            let _ = (FanoutJob::parse(&text), PushJob::parse(&text));
        }
    }
}
