//! Open connections: their queues of outgoing messages, and their sockets.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::AsyncReadExt,
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        error::ProtocolError,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use crate::{config::Limits, ids, server::ShutdownSignal, sync::lock, traffic::Meter};

/// How long a client has to complete a close, and to read a message.
const CLOSING: Duration = Duration::from_secs(1);
const SENDING: Duration = Duration::from_secs(30);

/// The client of a connection.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) source_ip: String,
    pub(super) user_agent: Option<String>,
}

/// A message to a client.
#[derive(Debug)]
pub(super) enum Outgoing {
    Message(Message),
    Close { code: u16, reason: &'static str },
}

/// Why a message could not be queued.
#[derive(Debug, PartialEq)]
pub(super) enum Refused {
    Gone,
    BufferFull,
}

/// A connection as the rest of the gateway sees it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) connected_at: i64,
    pub(super) peer: Peer,
    last_active: AtomicI64,
    meter: Arc<Meter>,
    outgoing: mpsc::Sender<Outgoing>,
    /// A push that a fault delays until the next one.
    held: Mutex<Option<Message>>,
}

impl Connection {
    pub(super) fn new(
        connected_at: i64,
        peer: Peer,
        buffer: usize,
        meter: Arc<Meter>,
    ) -> (Arc<Self>, mpsc::Receiver<Outgoing>) {
        let (outgoing, queue) = mpsc::channel(buffer);
        let last_active = AtomicI64::new(connected_at);
        (Arc::new(Self { connected_at, peer, last_active, meter, outgoing, held: Mutex::new(None) }), queue)
    }

    /// Milliseconds since 1970 of the last message in either direction.
    pub(super) fn last_active(&self) -> i64 {
        self.last_active.load(Ordering::Relaxed)
    }

    /// Queues a message, followed by a held one if there is one.
    pub(super) fn send(&self, message: Message) -> Result<(), Refused> {
        self.queue(Outgoing::Message(message))?;
        let held = lock(&self.held).take();
        held.map_or(Ok(()), |held| self.queue(Outgoing::Message(held)))
    }

    /// Keeps a message until the next one, or until [`Connection::release`].
    pub(super) fn hold(&self, message: Message) {
        let before = lock(&self.held).replace(message);
        if let Some(before) = before {
            // The connection may be gone by now, and the message with it.
            let _ = self.queue(Outgoing::Message(before));
        }
    }

    /// Sends the message that is held.
    pub(super) fn release(&self) {
        let held = lock(&self.held).take();
        if let Some(held) = held {
            // The connection may be gone by now, and the message with it.
            let _ = self.queue(Outgoing::Message(held));
        }
    }

    pub(super) fn queue(&self, outgoing: Outgoing) -> Result<(), Refused> {
        self.outgoing.try_send(outgoing).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refused::BufferFull,
            mpsc::error::TrySendError::Closed(_) => Refused::Gone,
        })
    }

    fn touch(&self) {
        self.last_active.store(ids::epoch_millis(ids::now()), Ordering::Relaxed);
    }
}

/// All open connections by their ids.
#[derive(Debug, Default)]
pub(super) struct Connections(Mutex<HashMap<String, Arc<Connection>>>);

impl Connections {
    pub(super) fn insert(&self, id: String, connection: Arc<Connection>) {
        lock(&self.0).insert(id, connection);
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<Connection>> {
        lock(&self.0).get(id).cloned()
    }

    pub(super) fn remove(&self, id: &str) {
        lock(&self.0).remove(id);
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }
}

/// How a connection ended, as `$disconnect` tells it.
#[derive(Debug, PartialEq)]
pub(super) struct End {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl End {
    fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Serves a socket until it ends. Hands every text frame to `receive`.
pub(super) async fn serve(
    mut socket: Socket,
    connection: &Connection,
    mut queue: mpsc::Receiver<Outgoing>,
    limits: &Limits,
    mut shutdown: ShutdownSignal,
    receive: impl Fn(&str),
) -> End {
    let dies = Instant::now() + limits.ws_life;
    let mut silent_since = Instant::now();
    loop {
        let deadline = dies.min(silent_since + limits.ws_idle);
        tokio::select! {
            () = sleep_until(deadline) => return close(socket, 1001, "Going away").await,
            () = shutdown.wait() => return close(socket, 1001, "Going away").await,
            outgoing = queue.recv() => match outgoing {
                Some(Outgoing::Message(message)) => {
                    let bytes = message.len();
                    if !matches!(timeout(SENDING, socket.send(message)).await, Ok(Ok(()))) {
                        return End::new(1006, "");
                    }
                    silent_since = Instant::now();
                    connection.touch();
                    connection.meter.frame_out(bytes);
                }
                Some(Outgoing::Close { code, reason }) => return close(socket, code, reason).await,
                None => return close(socket, 1001, "Going away").await,
            },
            incoming = socket.next() => match incoming {
                Some(Ok(Message::Text(text))) => {
                    silent_since = Instant::now();
                    connection.touch();
                    connection.meter.frame_in(text.len());
                    receive(text.as_str());
                }
                Some(Ok(Message::Binary(_))) => return close(socket, 1003, "Binary frames are not supported").await,
                // The library answers pings; they do not count as activity.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(frame))) => {
                    let end = frame.map_or_else(|| End::new(1005, ""), |frame| End::new(frame.code.into(), frame.reason.as_str()));
                    // Flushes our half of the handshake.
                    let _ = timeout(CLOSING, async { while let Some(Ok(_)) = socket.next().await {} }).await;
                    return end;
                }
                Some(Err(Error::Capacity(_))) => return close(socket, 1009, "Message too big").await,
                Some(Err(Error::Utf8(_))) => return close(socket, 1007, "Invalid frame payload data").await,
                Some(Err(Error::Protocol(error))) if error != ProtocolError::ResetWithoutClosingHandshake => {
                    return close(socket, 1002, "Protocol error").await;
                }
                Some(Err(_)) | None => return End::new(1006, ""),
            },
        }
    }
}

/// Sends a close frame and reads for a moment: closing with unread bytes would reset the connection before the client reads it.
async fn close(mut socket: Socket, code: u16, reason: &'static str) -> End {
    let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
    let closing = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            let stream = socket.get_mut();
            let mut rest = [0; 4096];
            // Discard everything up to the client's end of the connection, its close frame included.
            while let Ok(1..) = stream.read(&mut rest).await {}
        }
    };
    // A client that keeps its end open does not keep this one open.
    let _ = timeout(CLOSING, closing).await;
    End::new(code, reason)
}
