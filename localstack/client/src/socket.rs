use crate::tls;
use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{Error, Message, client::IntoClientRequest as _, http::HeaderName, protocol::WebSocketConfig},
};

/// API Gateway's integrations answer within 29 s.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes that a socket reads at once; the buffer is as large, and is zeroed before each read.
const READ_BUFFER: usize = 4 * 1024;

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// An open WebSocket connection. Dropping it closes it without a close frame.
#[derive(Debug)]
pub struct Socket {
    /// The subprotocol that the server chose.
    pub protocol: Option<String>,
    outgoing: mpsc::UnboundedSender<Message>,
    inbox: Arc<watch::Sender<Inbox>>,
    next_id: AtomicU64,
    task: JoinHandle<()>,
}

/// What arrived and was not taken yet.
#[derive(Debug, Default)]
struct Inbox {
    /// Frames in the order of their arrival, each with the id that it answers.
    frames: VecDeque<(Option<String>, Value)>,
    /// Ids of sent frames that were not answered yet.
    unanswered: BTreeSet<String>,
    /// How many of the frames came packed in others.
    packed: usize,
    has_ended: bool,
    /// The code of the server's close frame.
    close_code: Option<u16>,
}

impl Socket {
    /// Connects to a URL with a valid ticket.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::connect_watched(url, |_| {}).await
    }

    /// The same, and shows each frame as it arrives, packed ones as one, also those that nobody takes.
    pub async fn connect_watched(url: &str, watch: impl Fn(&Value) + Send + 'static) -> Result<Self> {
        match Self::open(url, &[], watch).await? {
            Ok(socket) => Ok(socket),
            Err(status) => bail!("the upgrade was refused with {status}"),
        }
    }

    /// Asks for an upgrade with these headers; a refusal is its HTTP status.
    pub async fn upgrade(url: &str, headers: &[(&'static str, &str)]) -> Result<Result<Self, u16>> {
        Self::open(url, headers, |_| {}).await
    }

    async fn open(
        url: &str,
        headers: &[(&'static str, &str)],
        watch: impl Fn(&Value) + Send + 'static,
    ) -> Result<Result<Self, u16>> {
        let mut request = url.into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(HeaderName::from_static(name), value.parse()?);
        }
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
        let upgrade =
            Box::pin(connect_async_tls_with_config(request, Some(config), true, tls::config().map(Connector::Rustls)));
        let (stream, response) = match timeout(TIMEOUT, upgrade).await.context("the upgrade")? {
            Err(Error::Http(refusal)) => return Ok(Err(refusal.status().as_u16())),
            other => other?,
        };
        let protocol = response.headers().get("sec-websocket-protocol").and_then(|value| value.to_str().ok());
        let (outgoing, frames) = mpsc::unbounded_channel();
        let inbox = Arc::new(watch::Sender::new(Inbox::default()));
        let task = tokio::spawn(carry(stream, frames, Arc::clone(&inbox), watch));
        Ok(Ok(Self { protocol: protocol.map(str::to_owned), outgoing, inbox, next_id: AtomicU64::new(1), task }))
    }

    /// Sends an action; returns the id that its answer names in `re`.
    pub fn send(&self, action: &str, d: &Value) -> Result<String> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed).to_string();
        self.with_inbox(|inbox| inbox.unanswered.insert(id.clone()));
        self.send_text(&json!({ "action": action, "id": id, "d": d }).to_string())?;
        Ok(id)
    }

    /// Sends an action whose answer nobody wants.
    pub fn tell(&self, action: &str, d: &Value) -> Result<()> {
        self.send_text(&json!({ "action": action, "d": d }).to_string())
    }

    /// How many frames came packed in others.
    pub fn packed(&self) -> usize {
        self.with_inbox(|inbox| inbox.packed)
    }

    /// Sends any text.
    pub fn send_text(&self, text: &str) -> Result<()> {
        self.outgoing.send(Message::text(text)).context("the connection has ended")
    }

    /// The answer to a sent frame. API Gateway's own error names no frame, so it answers every frame under way.
    pub async fn answer(&self, id: &str) -> Result<Value> {
        self.take(|re, _| re == Some(id)).await
    }

    /// Sends an action and waits for its answer.
    pub async fn ask(&self, action: &str, d: Value) -> Result<Value> {
        let id = self.send(action, &d)?;
        self.answer(&id).await
    }

    /// The next frame, whatever it is.
    pub async fn frame(&self) -> Result<Value> {
        self.take(|_, _| true).await
    }

    /// The next frame that is no answer.
    pub async fn push(&self) -> Result<Value> {
        self.take(|re, _| re.is_none()).await
    }

    /// The next push, however long it takes; `None` when the connection has ended.
    pub async fn next_push(&self) -> Option<Value> {
        self.wait(|re, _| re.is_none()).await.ok()
    }

    /// The next push that fulfils a condition.
    pub async fn push_where(&self, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        self.take(|re, frame| re.is_none() && wanted(frame)).await
    }

    /// Every frame that arrived and was not taken.
    pub fn drain(&self) -> Vec<Value> {
        self.with_inbox(|inbox| inbox.frames.drain(..).map(|(_, frame)| frame).collect())
    }

    /// Whether the connection has not ended.
    pub fn is_open(&self) -> bool {
        !self.with_inbox(|inbox| inbox.has_ended)
    }

    /// Waits until the connection ends; the code of the server's close frame.
    pub async fn closed(&self) -> Result<Option<u16>> {
        let mut news = self.inbox.subscribe();
        let inbox = timeout(TIMEOUT, news.wait_for(|inbox| inbox.has_ended)).await;
        Ok(inbox.context("the connection stays open")??.close_code)
    }

    /// Sends a close frame and waits for the server's.
    pub async fn close(self) -> Result<()> {
        self.outgoing.send(Message::Close(None)).context("the connection has ended")?;
        self.closed().await.map(drop)
    }

    async fn take(&self, wanted: impl Fn(Option<&str>, &Value) -> bool) -> Result<Value> {
        timeout(TIMEOUT, self.wait(wanted)).await.context("the frame did not arrive")?
    }

    /// Takes the first frame that is wanted, now or when it arrives.
    async fn wait(&self, wanted: impl Fn(Option<&str>, &Value) -> bool) -> Result<Value> {
        let mut news = self.inbox.subscribe();
        loop {
            let (frame, ended) = self.with_inbox(|inbox| {
                let index = inbox.frames.iter().position(|(re, frame)| wanted(re.as_deref(), frame));
                (index.and_then(|index| inbox.frames.remove(index)), inbox.has_ended)
            });
            match frame {
                Some((_, frame)) => return Ok(frame),
                None if ended => bail!("the connection has ended"),
                None => news.changed().await?,
            }
        }
    }

    fn with_inbox<T: Default>(&self, change: impl FnOnce(&mut Inbox) -> T) -> T {
        let mut result = T::default();
        self.inbox.send_if_modified(|inbox| {
            result = change(inbox);
            false
        });
        result
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Inbox {
    /// Takes a frame, or the frames that are packed in one.
    fn arrived(&mut self, mut frame: Value) {
        if frame["t"] == "batch" {
            if let Value::Array(frames) = frame["d"].take() {
                self.packed += frames.len();
                for frame in frames {
                    self.arrived(frame);
                }
            }
            return;
        }
        let re = frame["re"].as_str().map(str::to_owned);
        let failed =
            if frame["connectionId"].is_string() { std::mem::take(&mut self.unanswered) } else { <_>::default() };
        if failed.is_empty() {
            if let Some(id) = &re {
                self.unanswered.remove(id);
            }
            self.frames.push_back((re, frame));
        } else {
            self.frames.extend(failed.into_iter().map(|id| (Some(id), frame.clone())));
        }
    }
}

/// Carries frames both ways until either side ends the connection.
async fn carry(
    mut stream: Stream,
    mut outgoing: mpsc::UnboundedReceiver<Message>,
    inbox: Arc<watch::Sender<Inbox>>,
    watch: impl Fn(&Value),
) {
    loop {
        tokio::select! {
            frame = outgoing.recv() => {
                let Some(frame) = frame else { break };
                if stream.send(frame).await.is_err() {
                    break;
                }
            }
            frame = stream.next() => match frame {
                Some(Ok(Message::Text(text))) => {
                    // Every frame of the protocol is JSON; other text is kept as a JSON string.
                    let frame = serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text.as_str()));
                    watch(&frame);
                    inbox.send_modify(|inbox| inbox.arrived(frame));
                }
                Some(Ok(Message::Close(close))) => {
                    inbox.send_modify(|inbox| {
                        inbox.has_ended = true;
                        inbox.close_code = close.map(|close| close.code.into());
                    });
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break,
            }
        }
    }
    inbox.send_modify(|inbox| inbox.has_ended = true);
}
