//! A server that takes mails as SES does, keeps them, and fails as it is told.
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test ends where its set-up fails")]

use crate::http::{Outcome, Request, Response, Server, serve};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_types::{SdkConfig, region::Region};
use mail::Ses;
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
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
    server: Server,
    shared: Arc<Mutex<Kept>>,
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
        let shared = Arc::<Mutex<Kept>>::default();
        let kept = Arc::clone(&shared);
        let server = serve(move |request| kept.lock().expect("no test panics while it records").answer(request));
        Self { server: server.await, shared }
    }

    /// A client that sends mails here.
    pub fn client(&self) -> Ses {
        let keys = SharedCredentialsProvider::new(Credentials::new("id", "key", None, None, "test"));
        let aws = SdkConfig::builder().region(Region::new("eu-west-1")).credentials_provider(keys).build();
        Ses::new("Chat <no-reply@chat.example>", Some(&self.server.url), &aws)
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

impl Kept {
    fn answer(&mut self, request: &Request) -> Outcome {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v2/email/outbound-emails"));
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        self.asked += 1;
        let failure = self.failures.pop_front();
        if matches!(failure, None | Some(Failure::LostAnswer)) {
            self.mails.push(TakenMail::of(&body));
        }
        let (status, kind, body) = match failure {
            Some(Failure::Silence) => return Outcome::Silence,
            Some(Failure::LostAnswer) => return Outcome::Lost,
            // SES names whom it refuses.
            Some(Failure::Refused(status, kind)) => {
                (status, kind, json!({"message": format!("refused {}", body["Destination"]["ToAddresses"][0])}))
            }
            None => (200, "", json!({"MessageId": self.asked.to_string()})),
        };
        let headers = vec![("x-amzn-errortype", kind.to_owned()), ("content-type", "application/json".to_owned())];
        Outcome::Answered(Response { status, headers, body: body.to_string().into_bytes() })
    }
}
