use serde_json::{Value, json};

/// A WebSocket of one person. A missing frame fails the journey.
#[derive(Debug)]
pub struct Socket(pub(crate) client::Socket);

impl Socket {
    /// Asks for an upgrade with these headers; a refusal is its HTTP status.
    pub async fn upgrade(url: &str, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        client::Socket::upgrade(url, headers).await.expect("an answer to the upgrade").map(Self)
    }

    /// The subprotocol that the server chose.
    pub fn protocol(&self) -> Option<&str> {
        self.0.protocol.as_deref()
    }

    /// Sends a frame; its answer has this `re`.
    pub fn send(&self, action: &str, d: &Value) -> String {
        self.0.send(action, d).expect("an open connection")
    }

    /// Sends a frame whose answer nobody wants.
    pub fn tell(&self, action: &str, d: &Value) {
        self.0.tell(action, d).expect("an open connection");
    }

    /// How many frames came packed in others.
    pub fn packed(&self) -> usize {
        self.0.packed()
    }

    /// Sends any text.
    pub fn send_text(&self, text: &str) {
        self.0.send_text(text).expect("an open connection");
    }

    /// The answer to a frame, or API Gateway's own error.
    pub async fn answer(&self, id: &str) -> Value {
        described(self.0.answer(id).await.expect("an answer"))
    }

    /// Sends a frame and waits for its answer.
    pub async fn ask(&self, action: &str, d: Value) -> Value {
        described(self.0.ask(action, d).await.expect("an answer"))
    }

    /// The next frame, whatever it is.
    pub async fn frame(&self) -> Value {
        described(self.0.frame().await.expect("a frame"))
    }

    /// The next frame that is no answer.
    pub async fn push(&self) -> Value {
        described(self.0.push().await.expect("a push"))
    }

    /// The next push that fulfils a condition.
    pub async fn push_where(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        described(self.0.push_where(wanted).await.expect("a push"))
    }

    /// Every push that was sent before now.
    pub async fn pushes(&self) -> Vec<Value> {
        assert_eq!(self.ask("ping", json!({})).await["t"], "pong");
        self.drain()
    }

    /// The code with which the server closes the connection.
    pub async fn closed(&self) -> Option<u16> {
        self.0.closed().await.expect("a closed connection")
    }

    /// Every frame until the server closes the connection, and the code of the close.
    pub async fn ending(&self) -> (Vec<Value>, Option<u16>) {
        let code = self.closed().await;
        (self.drain(), code)
    }

    fn drain(&self) -> Vec<Value> {
        self.0.drain().into_iter().map(described).collect()
    }

    /// Sends a close frame and waits for the server's.
    pub async fn close(self) {
        self.0.close().await.expect("an open connection");
    }
}

/// A frame, which fails the journey unless the document of frames describes it, or API Gateway made it.
fn described(frame: Value) -> Value {
    assert_eq!(contract::misfit_of_received(&frame), None, "{frame}");
    frame
}
