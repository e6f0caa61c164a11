//! A TCP proxy that can be cut, silenced or stranded and restored, counts what passes, and can act between two answers.
#![expect(clippy::disallowed_methods, reason = "a proxy carries each connection beside the test")]

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

/// MySQL's ping, by which a pool checks a connection that was idle; not counted as a round trip.
const PING: [u8; 5] = [1, 0, 0, 0, 0x0e];

/// MySQL's command that prepares a statement.
const PREPARE: u8 = 0x16;

/// The commands by which MongoDB's driver monitors the server.
const MONITORING: [&[u8]; 3] = [b"hello\0", b"isMaster\0", b"ismaster\0"];

/// Whether a driver only checks its connections.
fn is_connection_check(request: &[u8]) -> bool {
    let has = |command: &&[u8]| request.windows(command.len()).any(|part| part == *command);
    request == PING || MONITORING.iter().any(has)
}

/// How many statements of MySQL a client prepares with these whole packets: three bytes of length, a number, the command.
fn prepared(mut request: &[u8]) -> usize {
    let mut count = 0;
    while let [a, b, c, number, command, ..] = request {
        count += usize::from(*number == 0 && *command == PREPARE);
        let length = usize::from(*a) + (usize::from(*b) << 8) + (usize::from(*c) << 16);
        request = request.get(4 + length..).unwrap_or_default();
    }
    count
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
#[derive(Debug)]
pub struct Proxy {
    /// The port.
    pub address: SocketAddr,
    shared: Shared,
    task: JoinHandle<()>,
}

/// What all connections of a proxy share.
#[derive(Clone)]
struct Shared {
    state: watch::Sender<State>,
    /// Raised when the connections of the moment are stranded.
    generation: watch::Sender<u64>,
    connections: Arc<AtomicUsize>,
    prepared: Arc<AtomicUsize>,
    /// How often a client sent something after the server had.
    round_trips: Arc<AtomicUsize>,
    hook: Arc<Mutex<Option<Hook>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Runs when the server has answered a request with certain words, before the client gets the answer.
struct Hook {
    words: &'static str,
    action: Box<dyn FnOnce() + Send>,
    /// Whether the client never gets the answer: its connection is closed.
    is_answer_lost: bool,
}

impl Proxy {
    /// A proxy to `server`, `host:port`.
    pub async fn to(server: String) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Shared {
            state: watch::Sender::new(State::Open),
            generation: watch::Sender::new(0),
            connections: Arc::default(),
            prepared: Arc::default(),
            round_trips: Arc::default(),
            hook: Arc::default(),
        };
        let connections = shared.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                connections.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(connections.clone().carry(client, server.clone()));
            }
        });
        Ok(Self { address, shared, task })
    }

    /// A proxy to the server of a URL, and the URL through it.
    #[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test without a proxy ends here")]
    pub async fn before(url: &str) -> (Self, String) {
        let authority = url.split('/').nth(2).expect("a URL");
        let server = authority.rsplit('@').next().unwrap_or(authority);
        let proxy = Self::to(server.to_owned()).await.expect("a free port");
        let through = url.replacen(server, &proxy.address.to_string(), 1);
        (proxy, through)
    }

    /// Lets the connections of this moment carry nothing any more, without closing them. New ones work.
    pub fn strand(&self) {
        self.shared.generation.send_modify(|generation| *generation += 1);
    }

    /// How many connections were opened.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many statements of MySQL were prepared.
    pub fn prepared(&self) -> usize {
        self.shared.prepared.load(Ordering::SeqCst)
    }

    /// Closes all connections, new ones too.
    pub fn cut(&self) {
        self.shared.state.send_replace(State::Cut);
    }

    /// Closes the connections of this moment. New ones work.
    pub async fn drop_connections(&self) {
        self.cut();
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        self.restore();
    }

    /// Keeps connections open and lets nothing pass.
    pub fn silence(&self) {
        self.shared.state.send_replace(State::Silent);
    }

    /// Lets everything pass again.
    pub fn restore(&self) {
        self.shared.state.send_replace(State::Open);
    }

    /// A function that cuts this proxy.
    pub fn cutter(&self) -> impl FnOnce() + Send + use<> {
        let state = self.shared.state.clone();
        move || {
            state.send_replace(State::Cut);
        }
    }

    /// A function that silences this proxy.
    pub fn silencer(&self) -> impl FnOnce() + Send + use<> {
        let state = self.shared.state.clone();
        move || {
            state.send_replace(State::Silent);
        }
    }

    /// The number of round trips, on all connections.
    pub fn round_trips(&self) -> usize {
        self.shared.round_trips.load(Ordering::SeqCst)
    }

    /// Runs `action` once, when the server has answered these words, before the client gets the answer.
    pub fn once_answered(&self, words: &'static str, action: impl FnOnce() + Send + 'static) {
        *self.shared.hook() = Some(Hook { words, action: Box::new(action), is_answer_lost: false });
    }

    /// Closes a connection once, when the server has answered these words, instead of passing the answer. New ones work.
    pub fn lose_answer(&self, words: &'static str) {
        *self.shared.hook() = Some(Hook { words, action: Box::new(|| {}), is_answer_lost: true });
    }

    /// Whether what `once_answered` or `lose_answer` asked for has happened.
    pub fn has_fired(&self) -> bool {
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
        let (mut state, mut generation) = (self.state.subscribe(), self.generation.subscribe());
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
                Ok(length @ 1..) = from_client.read(&mut request) => Some(Ok(length)),
                Ok(length @ 1..) = from_server.read(&mut response) => Some(Err(length)),
                _ = ended.wait_for(|state| *state == State::Cut) => return,
                _ = generation.changed() => None,
                else => return,
            };
            let Some(read) = read else { return std::future::pending().await };
            if state.wait_for(|state| *state != State::Silent).await.is_err() || *state.borrow() == State::Cut {
                return;
            }
            let passed = match read {
                Ok(length) => {
                    if !is_connection_check(&request[..length]) && !std::mem::replace(&mut is_answer_due, true) {
                        self.round_trips.fetch_add(1, Ordering::SeqCst);
                    }
                    self.prepared.fetch_add(prepared(&request[..length]), Ordering::SeqCst);
                    is_hooked |= self.is_awaited(&request[..length]);
                    to_server.write_all(&request[..length]).await
                }
                Err(length) => {
                    is_answer_due = false;
                    if std::mem::take(&mut is_hooked) && self.run_hook() {
                        return;
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

    /// Whether the answer is lost.
    fn run_hook(&self) -> bool {
        let hook = self.hook().take();
        hook.is_some_and(|hook| {
            (hook.action)();
            hook.is_answer_lost
        })
    }

    fn hook(&self) -> std::sync::MutexGuard<'_, Option<Hook>> {
        self.hook.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
