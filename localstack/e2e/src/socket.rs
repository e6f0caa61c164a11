use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::{collections::VecDeque, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest as _,
        handshake::client::{Request, Response},
    },
};

/// The longest that an awaited frame may take; API Gateway answers after 29 s at the latest.
const PATIENCE: Duration = Duration::from_secs(30);

/// One WebSocket of one person.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Frames that came while another one was awaited.
    early: VecDeque<Value>,
    next_id: u32,
}

impl Socket {
    /// Connects with a ticket, which must be good.
    pub async fn connect(url: &str, ticket: &str) -> Self {
        let (socket, _) = Self::upgrade(Self::request(url, ticket)).await.expect("the upgrade");
        socket
    }

    /// The request for an upgrade, to be changed before it is sent.
    pub fn request(url: &str, ticket: &str) -> Request {
        format!("{url}?ticket={ticket}").into_client_request().expect("a URL")
    }

    /// Asks for an upgrade; a refusal is its HTTP status.
    pub async fn upgrade(request: Request) -> Result<(Self, Response), u16> {
        match timeout(PATIENCE, connect_async(request)).await.expect("an answer to the upgrade") {
            Ok((stream, response)) => Ok((Self { stream, early: VecDeque::new(), next_id: 1 }, response)),
            Err(Error::Http(refusal)) => Err(refusal.status().as_u16()),
            Err(error) => unreachable!("the upgrade broke: {error}"),
        }
    }

    /// Sends a frame; its answer has this `re`.
    pub async fn send(&mut self, action: &str, d: Value) -> String {
        let id = self.next_id.to_string();
        self.next_id += 1;
        self.send_text(&json!({"action": action, "id": id, "d": d}).to_string()).await;
        id
    }

    /// Sends any text.
    pub async fn send_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.expect("an open connection");
    }

    /// The answer to a frame, or API Gateway's own error, which names none.
    pub async fn answer(&mut self, id: &str) -> Value {
        self.take(|frame| frame["re"] == id || frame["connectionId"].is_string()).await
    }

    /// Sends a frame and waits for its answer.
    pub async fn ask(&mut self, action: &str, d: Value) -> Value {
        let id = self.send(action, d).await;
        self.answer(&id).await
    }

    /// The next frame, whatever it is.
    pub async fn frame(&mut self) -> Value {
        self.take(|_| true).await
    }

    /// The next frame that answers none.
    pub async fn push(&mut self) -> Value {
        self.take(|frame| frame["re"].is_null()).await
    }

    /// Every push that was on its way before now.
    pub async fn pushes(&mut self) -> Vec<Value> {
        assert_eq!(self.ask("ping", json!({})).await["t"], "pong");
        self.early.drain(..).collect()
    }

    /// The code with which the server closes the connection.
    pub async fn closed(&mut self) -> Option<u16> {
        self.ending().await.1
    }

    /// Every frame until the server closes the connection, those that came early first, and the code of the close.
    pub async fn ending(&mut self) -> (Vec<Value>, Option<u16>) {
        let mut frames: Vec<Value> = self.early.drain(..).collect();
        let closing = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Close(close))) => break close.map(|close| close.code.into()),
                    Some(Ok(Message::Text(text))) => frames.extend(serde_json::from_str(&text)),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break None,
                }
            }
        };
        let code = timeout(PATIENCE, closing).await.expect("a closed connection");
        (frames, code)
    }

    /// Says goodbye and waits until the server has, too.
    pub async fn close(mut self) {
        self.stream.close(None).await.expect("an open connection");
        self.closed().await;
    }

    async fn take(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.early.iter().position(&wanted) {
            return self.early.remove(place).unwrap_or_default();
        }
        let coming = async {
            loop {
                let frame = self.read().await;
                if wanted(&frame) {
                    break frame;
                }
                self.early.push_back(frame);
            }
        };
        timeout(PATIENCE, coming).await.expect("the awaited frame")
    }

    async fn read(&mut self) -> Value {
        loop {
            let message = self.stream.next().await.expect("an open connection").expect("a frame");
            if let Message::Text(text) = message {
                return serde_json::from_str(&text).expect("a frame of JSON");
            }
        }
    }
}
