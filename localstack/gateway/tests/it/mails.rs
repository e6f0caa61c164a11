//! SES, as the real client asks for it.

use aws_sdk_sesv2::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    error::ProvideErrorMetadata,
    types::{Body, Content, Destination, EmailContent, Message},
};
use gateway::SentMail;

use crate::{Local, iam::keys};

const FROM: &str = "Chat <no-reply@chat.example>";

fn client(local: &Local, keys: Credentials) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(keys)
        .region(Region::new("us-east-1"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(&local.gateway.urls().ses);
    Client::from_conf(config.build())
}

/// The id of a mail in Korean, or the code of a refusal.
async fn send(client: &Client, from: &str, to: &str) -> Result<String, String> {
    let part = |text: &str| Content::builder().data(text).charset("UTF-8").build().unwrap();
    let body = Body::builder().text(part("안녕")).html(part("<p>안녕</p>")).build();
    let message = Message::builder().subject(part("제목")).body(body).build();
    let sent = client
        .send_email()
        .from_email_address(from)
        .destination(Destination::builder().to_addresses(to).build())
        .content(EmailContent::builder().simple(message).build())
        .send()
        .await;
    match sent {
        Ok(sent) => Ok(sent.message_id().unwrap().to_owned()),
        Err(error) => Err(error.code().unwrap_or_default().to_owned()),
    }
}

#[tokio::test]
async fn sent_mail_is_handed_over_and_goes_nowhere_else() {
    let local = Local::start().await;
    let owner = client(&local, Credentials::new("local", "local", None, None, "test"));

    let id = send(&owner, FROM, "minji@example.com").await.unwrap();

    let texts = [FROM, "제목", "안녕", "<p>안녕</p>"].map(str::to_owned);
    let [from, subject, text, html] = texts;
    let expected = SentMail { id, from, to: vec!["minji@example.com".to_owned()], subject, text, html };
    assert_eq!(*local.mails.lock().unwrap(), [expected]);
    local.gateway.stop().await;
}

#[tokio::test]
async fn role_decides_from_which_identity_a_function_may_send() {
    let local = Local::start().await;
    let mut socket = local.connect().await;
    let sender = client(&local, keys(&socket.ask(r#"{"action":"send","do":"env"}"#).await));
    let stranger = client(&local, keys(&local.get("/echo/1?do=env").await.1));

    assert!(send(&sender, FROM, "minji@example.com").await.is_ok());
    for (client, from) in [(&sender, "a@other.example"), (&stranger, FROM)] {
        let refused = send(client, from, "minji@example.com").await;
        assert_eq!(refused, Err("AccessDeniedException".to_owned()), "{from}");
    }
    assert_eq!(local.mails.lock().unwrap().len(), 1);
    local.gateway.stop().await;
}

#[tokio::test]
async fn mail_to_nobody_and_unsigned_mail_are_refused() {
    let local = Local::start().await;
    let wrong = client(&local, Credentials::new("local", "wrong", None, None, "test"));
    let owner = client(&local, Credentials::new("local", "local", None, None, "test"));

    assert_eq!(send(&owner, FROM, "nobody").await, Err("BadRequestException".to_owned()));
    assert_eq!(send(&wrong, FROM, "minji@example.com").await, Err("InvalidSignatureException".to_owned()));
    let url = format!("{}/v2/email/outbound-emails", local.gateway.urls().ses);
    let unsigned = reqwest::Client::new().post(url).body("{}").send().await.unwrap();
    assert_eq!((unsigned.status().as_u16(), local.mails.lock().unwrap().len()), (403, 0));
    local.gateway.stop().await;
}
