//! A server that takes mails as SES does, keeps them, and fails as it is told.
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test ends where its set-up fails")]
#![expect(clippy::disallowed_methods, reason = "a server answers each connection beside the test")]

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_types::{SdkConfig, region::Region};
use mail::Ses;
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What happens to a mail that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It is refused, with a status and SES' word for the reason.
    Refused(u16, &'static str),
    /// No answer comes.
    Silence,
    /// It is taken, and the connection ends without an answer.
    LostAnswer,
}

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenMail {
    /// Who sent it.
    pub from: String,
    /// Who gets it.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// The server; it ends with this value.
#[derive(Debug)]
pub struct SesServer {
    url: String,
    shared: Arc<Mutex<Kept>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Kept {
    mails: Vec<TakenMail>,
    failures: VecDeque<Failure>,
    asked: usize,
}

impl SesServer {
    /// A server that takes everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::<Mutex<Kept>>::default();
        let kept = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&kept)));
            }
        });
        Self { url, shared, task }
    }

    /// A client that sends mails here.
    pub fn client(&self) -> Ses {
        let keys = SharedCredentialsProvider::new(Credentials::new("id", "key", None, None, "test"));
        let aws = SdkConfig::builder().region(Region::new("eu-west-1")).credentials_provider(keys).build();
        Ses::new("Chat <no-reply@chat.example>", Some(&self.url), &aws)
    }

    /// What becomes of the next mails, one after the other; those behind them are taken.
    pub fn fail(&self, failures: &[Failure]) {
        self.kept().failures = failures.iter().copied().collect();
    }

    /// The mails that were taken, in order.
    pub fn mails(&self) -> Vec<TakenMail> {
        self.kept().mails.clone()
    }

    /// How many were sent here, taken or not.
    pub fn asked(&self) -> usize {
        self.kept().asked
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.shared.lock().expect("no test panics while it records")
    }
}

impl Drop for SesServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TakenMail {
    /// The token in its link.
    pub fn token(&self) -> String {
        let (_, rest) = self.text.split_once("#token=").expect("a link with a token");
        rest.split_whitespace().next().unwrap_or_default().to_owned()
    }

    fn of(body: &Value) -> Self {
        let simple = &body["Content"]["Simple"];
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Self {
            from: text(&body["FromEmailAddress"]),
            to: text(&body["Destination"]["ToAddresses"][0]),
            subject: text(&simple["Subject"]["Data"]),
            text: text(&simple["Body"]["Text"]["Data"]),
            html: text(&simple["Body"]["Html"]["Data"]),
        }
    }
}

/// Answers one request on a connection.
async fn answer(mut stream: TcpStream, shared: Arc<Mutex<Kept>>) {
    let Some(body) = request(&mut stream).await else { return };
    let (failure, number) = {
        let mut kept = shared.lock().expect("no test panics while it records");
        kept.asked += 1;
        let failure = kept.failures.pop_front();
        if matches!(failure, None | Some(Failure::LostAnswer)) {
            kept.mails.push(TakenMail::of(&body));
        }
        (failure, kept.asked)
    };
    let (status, kind, body) = match failure {
        Some(Failure::Silence) => return std::future::pending().await,
        Some(Failure::LostAnswer) => return,
        // SES names whom it refuses.
        Some(Failure::Refused(status, kind)) => {
            (status, kind, json!({"message": format!("refused {}", body["Destination"]["ToAddresses"][0])}))
        }
        None => (200, "", json!({"MessageId": number.to_string()})),
    };
    let (body, length) = (body.to_string(), body.to_string().len());
    let head = format!("HTTP/1.1 {status} -\r\nx-amzn-errortype: {kind}\r\ncontent-length: {length}\r\n");
    let answer = format!("{head}content-type: application/json\r\nconnection: close\r\n\r\n{body}");
    // A client that has gone needs no answer.
    let _ = stream.write_all(answer.as_bytes()).await;
}

/// The JSON of a request of `SendEmail`.
async fn request(stream: &mut TcpStream) -> Option<Value> {
    let mut read = Vec::new();
    loop {
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
        let text = std::str::from_utf8(&read).ok();
        if let Some((head, body)) = text.and_then(|text| text.split_once("\r\n\r\n"))
            && let Ok(body) = serde_json::from_str(body)
        {
            assert!(head.starts_with("POST /v2/email/outbound-emails HTTP/1.1\r\n"), "{head}");
            assert!(head.to_lowercase().contains("authorization: aws4-hmac-sha256 "), "{head}");
            return Some(body);
        }
    }
}
