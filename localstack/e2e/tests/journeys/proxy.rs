//! A TCP proxy that can be cut or silenced and restored, counts round trips, and can act between two answers.

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

/// MySQL's ping, by which a pool checks a returned connection; not counted as a round trip.
const PING: [u8; 5] = [1, 0, 0, 0, 0x0e];

/// The commands by which MongoDB's driver monitors the server.
const MONITORING: [&[u8]; 3] = [b"hello\0", b"isMaster\0", b"ismaster\0"];

/// Whether a driver only checks its connections.
fn is_connection_check(request: &[u8]) -> bool {
    let has = |command: &&[u8]| request.windows(command.len()).any(|part| part == *command);
    request == PING || MONITORING.iter().any(has)
}

/// The state of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Connections stay open and no bytes pass.
    Silent,
    /// Connections are closed, new ones too.
    Cut,
}

/// A local port that forwards to a server.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Shared,
    task: JoinHandle<()>,
}

/// What all connections of a proxy share.
#[derive(Clone)]
struct Shared {
    state: watch::Sender<State>,
    /// How often a client sent something after the server had.
    round_trips: Arc<AtomicUsize>,
    hook: Arc<Mutex<Option<Hook>>>,
}

/// Runs when the server has answered a request with certain words, before the client gets the answer.
struct Hook {
    words: &'static str,
    action: Box<dyn FnOnce() + Send>,
}

impl Proxy {
    /// A proxy to `server`, `host:port`.
    pub(crate) async fn to(server: String) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared =
            Shared { state: watch::Sender::new(State::Open), round_trips: Arc::default(), hook: Arc::default() };
        let connections = shared.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connections.clone().carry(client, server.clone()));
            }
        });
        Ok(Self { address, shared, task })
    }

    pub(crate) fn cut(&self) {
        self.shared.state.send_replace(State::Cut);
    }

    pub(crate) fn silence(&self) {
        self.shared.state.send_replace(State::Silent);
    }

    pub(crate) fn restore(&self) {
        self.shared.state.send_replace(State::Open);
    }

    /// A function that cuts this proxy.
    pub(crate) fn cutter(&self) -> impl FnOnce() + Send + use<> {
        let state = self.shared.state.clone();
        move || {
            state.send_replace(State::Cut);
        }
    }

    /// The number of round trips, on all connections.
    pub(crate) fn round_trips(&self) -> usize {
        self.shared.round_trips.load(Ordering::SeqCst)
    }

    /// Runs `action` once, when the server has answered these words, before the client gets the answer.
    pub(crate) fn once_answered(&self, words: &'static str, action: impl FnOnce() + Send + 'static) {
        *self.shared.hook() = Some(Hook { words, action: Box::new(action) });
    }

    /// Whether the action of `once_answered` has run.
    pub(crate) fn has_fired(&self) -> bool {
        self.shared.hook().is_none()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    async fn carry(self, mut client: TcpStream, server: String) {
        let mut state = self.state.subscribe();
        if state.wait_for(|state| *state != State::Silent).await.is_err_and(|_| true) || *state.borrow() == State::Cut {
            return;
        }
        let Ok(mut server) = TcpStream::connect(server).await else { return };
        let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (client.split(), server.split());
        let (mut request, mut response) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
        let (mut is_answer_due, mut is_hooked) = (false, false);
        loop {
            let mut ended = self.state.subscribe();
            let read = tokio::select! {
                Ok(length @ 1..) = from_client.read(&mut request) => Ok(length),
                Ok(length @ 1..) = from_server.read(&mut response) => Err(length),
                _ = ended.wait_for(|state| *state == State::Cut) => return,
                else => return,
            };
            if state.wait_for(|state| *state != State::Silent).await.is_err() || *state.borrow() == State::Cut {
                return;
            }
            let passed = match read {
                Ok(length) => {
                    if !is_connection_check(&request[..length]) && !std::mem::replace(&mut is_answer_due, true) {
                        self.round_trips.fetch_add(1, Ordering::SeqCst);
                    }
                    is_hooked |= self.is_awaited(&request[..length]);
                    to_server.write_all(&request[..length]).await
                }
                Err(length) => {
                    is_answer_due = false;
                    if std::mem::take(&mut is_hooked) {
                        self.run_hook();
                    }
                    to_client.write_all(&response[..length]).await
                }
            };
            if passed.is_err() {
                return;
            }
        }
    }

    fn is_awaited(&self, bytes: &[u8]) -> bool {
        let hook = self.hook();
        hook.as_ref().is_some_and(|hook| bytes.windows(hook.words.len()).any(|words| words == hook.words.as_bytes()))
    }

    fn run_hook(&self) {
        let hook = self.hook().take();
        if let Some(hook) = hook {
            (hook.action)();
        }
    }

    fn hook(&self) -> std::sync::MutexGuard<'_, Option<Hook>> {
        self.hook.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
