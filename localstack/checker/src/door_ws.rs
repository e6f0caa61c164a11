//! One WebSocket: frames out, answers by their `re`, pushed messages to whoever listens.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::doors::{Hello, Socket};
use crate::history::{Answer, Message, Request, RoomId};
use crate::wire;

/// API Gateway's integrations answer within 29 s.
const PATIENCE: Duration = Duration::from_secs(30);

type Waiting = Arc<Mutex<BTreeMap<String, oneshot::Sender<Value>>>>;

/// An open connection that said hello. Dropping it closes it without a word.
#[derive(Debug)]
pub(crate) struct Line {
    frames: UnboundedSender<String>,
    waiting: Waiting,
    number: AtomicU64,
    task: JoinHandle<()>,
}

impl Line {
    /// Connects with a ticket and says hello for one room.
    pub(crate) async fn open(
        url: &str,
        room: RoomId,
        cursor: u64,
        pushes: UnboundedSender<Message>,
    ) -> Result<Hello<Self>, String> {
        let upgrade =
            timeout(PATIENCE, connect_async(url)).await.map_err(|_| "the upgrade took too long".to_owned())?;
        let (stream, _) = upgrade.map_err(|error| format!("the upgrade failed: {error}"))?;
        let (frames, outgoing) = unbounded_channel();
        let waiting = Waiting::default();
        let task = tokio::spawn(carry(stream, outgoing, Arc::clone(&waiting), pushes));
        let socket = Self { frames, waiting, number: AtomicU64::new(1), task };
        let name = wire::room_name(room);
        let hello = socket.exchange("hello", &json!({ "v": 1, "lang": "en", "cursors": { &name: cursor } })).await;
        let ready = hello
            .filter(|ready| ready.get("t").and_then(Value::as_str) == Some("ready"))
            .ok_or("no answer to hello")?;
        let gaps = ready.pointer("/d/gaps").and_then(Value::as_array);
        let ahead = gaps.is_some_and(|gaps| gaps.iter().any(|gap| gap.as_str() == Some(&*name)));
        Ok(Hello { socket, ahead })
    }

    async fn exchange(&self, action: &str, body: &Value) -> Option<Value> {
        let id = self.number.fetch_add(1, Ordering::Relaxed).to_string();
        let frame = json!({ "action": action, "id": id, "d": body });
        self.answer_to(id, &frame).await
    }

    /// The frame that answers this one; `None` if none comes, or if one came that says nothing about it.
    async fn answer_to(&self, id: String, frame: &Value) -> Option<Value> {
        let (sender, answer) = oneshot::channel();
        lock(&self.waiting).insert(id.clone(), sender);
        let sent = !self.task.is_finished() && self.frames.send(frame.to_string()).is_ok();
        let answer = if sent { timeout(PATIENCE, answer).await.ok().and_then(Result::ok) } else { None };
        lock(&self.waiting).remove(&id);
        answer
    }
}

impl Socket for Line {
    async fn ask(&self, request: &Request) -> Answer {
        let id = self.number.fetch_add(1, Ordering::Relaxed).to_string();
        let Some(frame) = wire::frame(request, &id) else { return Answer::Unknown("no frame for this".to_owned()) };
        match self.answer_to(id, &frame).await {
            Some(answer) => wire::from_frame(request, answer),
            None => Answer::Unknown("no answer on the socket".to_owned()),
        }
    }

    async fn ping(&self) -> bool {
        self.exchange("ping", &json!({}))
            .await
            .is_some_and(|frame| frame.get("t").and_then(Value::as_str) == Some("pong"))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries frames both ways until either side ends, or the server says that the connection is of no more use.
async fn carry(
    mut stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    mut outgoing: UnboundedReceiver<String>,
    waiting: Waiting,
    pushes: UnboundedSender<Message>,
) {
    loop {
        tokio::select! {
            frame = outgoing.recv() => {
                let Some(frame) = frame else { break };
                if stream.send(Frame::text(frame)).await.is_err() {
                    break;
                }
            }
            frame = stream.next() => {
                let Some(Ok(frame)) = frame else { break };
                let Frame::Text(text) = frame else { continue };
                if serde_json::from_str(&text).is_ok_and(|frame| arrived(frame, &waiting, &pushes)) {
                    break;
                }
            }
        }
    }
    lock(&waiting).clear();
}

/// Hands a frame to whom it is for. Whether the connection is of no more use.
fn arrived(mut frame: Value, waiting: &Waiting, pushes: &UnboundedSender<Message>) -> bool {
    let fatal = frame.pointer("/d/fatal").and_then(Value::as_bool) == Some(true);
    if let Some(id) = frame.get("re").and_then(Value::as_str) {
        // A second answer to the same frame has nobody who waits for it.
        if let Some(sender) = lock(waiting).remove(id) {
            let _ = sender.send(frame);
        }
    } else if let Some("message.created" | "message.updated" | "message.deleted") =
        frame.get("t").and_then(Value::as_str)
    {
        if let Some(message) = frame.get_mut("d").map(Value::take).and_then(wire::message) {
            let _ = pushes.send(message);
        }
    } else if frame.get("connectionId").is_some() {
        // The gateway's own error names no frame: any of those under way may be meant.
        lock(waiting).clear();
    }
    fatal
}

fn lock(waiting: &Waiting) -> MutexGuard<'_, BTreeMap<String, oneshot::Sender<Value>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
