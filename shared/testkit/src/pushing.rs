//! What is pushed to connections.
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test ends where its set-up fails")]

use domain::ConnectionId;
use realtime::{Push, PushError, Pusher};
use serde_json::Value;
use std::{
    collections::{BTreeSet, VecDeque},
    future::{Future, ready},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
};

type Outcome<'a> = Pin<Box<dyn Future<Output = Result<(), PushError>> + Send + 'a>>;

/// Fails every push, as if API Gateway were away.
pub fn into_the_void() -> Pusher {
    Arc::new(Void)
}

/// Takes every push and notes it; a connection named `gone` is closed.
#[derive(Debug, Default)]
pub struct Recorder {
    pushes: Mutex<VecDeque<(String, Value)>>,
    failing: Mutex<BTreeSet<String>>,
}

impl Recorder {
    /// The next push: to which connection, and the frame, which is null where the connection was closed.
    pub fn next(&self) -> (String, Value) {
        self.pushes().pop_front().expect("something was pushed")
    }

    /// The first push to a connection after so many to any, as the answer to its frame; null where the connection was closed.
    pub fn answer(&self, connection: &str, earlier: usize) -> Option<Value> {
        let mut pushes = self.pushes();
        let first = pushes.iter().skip(earlier).position(|(name, _)| name == connection)?;
        pushes.remove(earlier + first).map(|(_, frame)| frame)
    }

    /// Everything that was pushed and not taken with `next`.
    pub fn all(&self) -> Vec<(String, Value)> {
        self.pushes().drain(..).collect()
    }

    /// How much was pushed and not taken.
    pub fn count(&self) -> usize {
        self.pushes().len()
    }

    /// What a connection was told and is not taken, in order.
    pub fn frames(&self, connection: &str) -> Vec<Value> {
        self.pushes().iter().filter(|(name, _)| name == connection).map(|(_, frame)| frame.clone()).collect()
    }

    /// The connection of each push that is not taken, sorted.
    pub fn connections(&self) -> Vec<String> {
        let mut names: Vec<_> = self.pushes().iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    }

    /// From now on pushes to these connections fail, and to no others.
    pub fn fail(&self, connections: &[&str]) {
        let names = connections.iter().map(|name| (*name).to_owned()).collect();
        *self.failing.lock().expect("no test panics while it records") = names;
    }

    fn pushes(&self) -> MutexGuard<'_, VecDeque<(String, Value)>> {
        self.pushes.lock().expect("no test panics while it records")
    }

    fn take(&self, connection: &ConnectionId, frame: Value) -> Outcome<'static> {
        if connection.0 == "gone" {
            return Box::pin(ready(Err(PushError::Gone)));
        }
        if self.failing.lock().expect("no test panics while it records").contains(&connection.0) {
            return Box::pin(ready(Err(PushError::Failed("throttled".to_owned()))));
        }
        self.pushes().push_back((connection.0.clone(), frame));
        Box::pin(ready(Ok(())))
    }
}

impl Push for Recorder {
    fn push<'a>(&'a self, connection: &'a ConnectionId, text: &'a str) -> Outcome<'a> {
        self.take(connection, serde_json::from_str(text).expect("a frame is JSON"))
    }

    fn close<'a>(&'a self, connection: &'a ConnectionId) -> Outcome<'a> {
        self.take(connection, Value::Null)
    }
}

#[derive(Debug)]
struct Void;

impl Push for Void {
    fn push<'a>(&'a self, _: &'a ConnectionId, _: &'a str) -> Outcome<'a> {
        Box::pin(ready(Err(PushError::Failed("nobody is there".to_owned()))))
    }

    fn close<'a>(&'a self, _: &'a ConnectionId) -> Outcome<'a> {
        Box::pin(ready(Err(PushError::Failed("nobody is there".to_owned()))))
    }
}
