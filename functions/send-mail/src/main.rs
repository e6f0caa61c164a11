//! The Lambda `send-mail`.

use boot::{BoxError, EndWhenStale, MailSettings};
use credentials::MailTokens;
use lambda_runtime::{LambdaEvent, Runtime, layers::TracingLayer, service_fn};
use mail::{Post, Ses};
use mysql::Mysql;
use serde::de::IgnoredAny;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let (mysql_url, signing, mail, aws) =
        boot::read(|settings| (settings.mysql_url(), settings.signing(), settings.mail(), settings.aws())).await?;
    let (mysql, clock) = (Mysql::connect(&mysql_url, Mysql::LAMBDA_CONNECTIONS)?, boot::clock());
    let tokens = MailTokens::new(&signing.key, signing.previous_key.as_deref());
    let post = mail.map(|MailSettings { from, app_url, ses_url }| {
        Post::new(mysql, Ses::new(&from, ses_url.as_deref(), &aws), tokens, &app_url, clock)
    });
    let service = service_fn(async |_: LambdaEvent<IgnoredAny>| {
        let Some(post) = &post else { return Ok(send_mail::Report::default()) };
        let report = send_mail::run(post, clock).await.inspect_err(|fault| fault.log("send-mail"))?;
        Ok::<_, BoxError>(report)
    });
    Runtime::new(service).layer(TracingLayer::new()).layer(EndWhenStale).run().await
}
