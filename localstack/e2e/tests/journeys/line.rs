//! A line to a server that can be cut, or go silent, and be mended; that can be listened to, and struck in between.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// MySQL's ping, with which a pool looks after a connection that comes back to it, beside the answer: no turn.
const PING: [u8; 5] = [1, 0, 0, 0, 0x0e];

/// What MongoDB's driver asks beside all requests, to know whether the server is there and how far away.
const GREETINGS: [&[u8]; 3] = [b"hello\0", b"isMaster\0", b"ismaster\0"];

/// Whether a client only looks after its connections.
fn is_small_talk(asked: &[u8]) -> bool {
    let has = |greeting: &&[u8]| asked.windows(greeting.len()).any(|part| part == *greeting);
    asked == PING || GREETINGS.iter().any(has)
}

/// How a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// Connections stay open and nothing passes.
    Silent,
    /// Connections end, and new ones too.
    Cut,
}

/// A port of this machine behind which a server is, as long as the line is good.
pub(crate) struct Line {
    pub(crate) address: SocketAddr,
    wire: Wire,
    task: JoinHandle<()>,
}

/// What all connections of a line share.
#[derive(Clone)]
struct Wire {
    state: watch::Sender<State>,
    /// How often a client spoke after the server had.
    turns: Arc<AtomicUsize>,
    trap: Arc<Mutex<Option<Trap>>>,
}

/// What happens when the server has answered certain words, before the client hears of it.
struct Trap {
    words: &'static str,
    strike: Box<dyn FnOnce() + Send>,
}

impl Line {
    /// A good line to `server`, `host:port`.
    pub(crate) async fn to(server: String) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let wire = Wire { state: watch::Sender::new(State::Good), turns: Arc::default(), trap: Arc::default() };
        let shared = wire.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(shared.clone().carry(client, server.clone()));
            }
        });
        Ok(Self { address, wire, task })
    }

    pub(crate) fn cut(&self) {
        self.wire.state.send_replace(State::Cut);
    }

    pub(crate) fn silence(&self) {
        self.wire.state.send_replace(State::Silent);
    }

    pub(crate) fn mend(&self) {
        self.wire.state.send_replace(State::Good);
    }

    /// Another handle that cuts this line.
    pub(crate) fn scissors(&self) -> impl FnOnce() + Send + use<> {
        let state = self.wire.state.clone();
        move || {
            state.send_replace(State::Cut);
        }
    }

    /// How often clients have asked something and were answered before they asked again, on all connections.
    pub(crate) fn turns(&self) -> usize {
        self.wire.turns.load(Ordering::SeqCst)
    }

    /// Once, when the server has answered these words, before the client hears of it.
    pub(crate) fn once_answered(&self, words: &'static str, strike: impl FnOnce() + Send + 'static) {
        *self.wire.trap() = Some(Trap { words, strike: Box::new(strike) });
    }

    /// Whether what `once_answered` waits for has come.
    pub(crate) fn has_struck(&self) -> bool {
        self.wire.trap().is_none()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Wire {
    async fn carry(self, mut client: TcpStream, server: String) {
        let mut state = self.state.subscribe();
        if state.wait_for(|state| *state != State::Silent).await.is_err_and(|_| true) || *state.borrow() == State::Cut {
            return;
        }
        let Ok(mut server) = TcpStream::connect(server).await else { return };
        let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (client.split(), server.split());
        let (mut asked, mut heard) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
        let (mut is_servers_turn, mut is_trapped) = (false, false);
        loop {
            let mut ended = self.state.subscribe();
            let from_whom = tokio::select! {
                Ok(length @ 1..) = from_client.read(&mut asked) => Ok(length),
                Ok(length @ 1..) = from_server.read(&mut heard) => Err(length),
                _ = ended.wait_for(|state| *state == State::Cut) => return,
                else => return,
            };
            if state.wait_for(|state| *state != State::Silent).await.is_err() || *state.borrow() == State::Cut {
                return;
            }
            let passed = match from_whom {
                Ok(length) => {
                    if !is_small_talk(&asked[..length]) && !std::mem::replace(&mut is_servers_turn, true) {
                        self.turns.fetch_add(1, Ordering::SeqCst);
                    }
                    is_trapped |= self.is_awaited(&asked[..length]);
                    to_server.write_all(&asked[..length]).await
                }
                Err(length) => {
                    is_servers_turn = false;
                    if std::mem::take(&mut is_trapped) {
                        self.strike();
                    }
                    to_client.write_all(&heard[..length]).await
                }
            };
            if passed.is_err() {
                return;
            }
        }
    }

    fn is_awaited(&self, bytes: &[u8]) -> bool {
        let trap = self.trap();
        trap.as_ref().is_some_and(|trap| bytes.windows(trap.words.len()).any(|words| words == trap.words.as_bytes()))
    }

    fn strike(&self) {
        let trap = self.trap().take();
        if let Some(trap) = trap {
            (trap.strike)();
        }
    }

    fn trap(&self) -> std::sync::MutexGuard<'_, Option<Trap>> {
        self.trap.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
