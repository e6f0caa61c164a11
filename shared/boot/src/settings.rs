use crate::{
    checks,
    checks::Check,
    https, secrets,
    secrets::Secrets,
    store_url::{server, store_url},
    values::{Values, values},
};
use aws_sdk_secretsmanager::config::{Credentials, Region, SharedCredentialsProvider};
use aws_types::{
    SdkConfig,
    service_config::{LoadServiceConfig, ServiceConfigKey},
};
use std::{collections::BTreeMap, error::Error, fmt, time::Duration};

/// The environment, as typed values; see `read`.
#[derive(Debug)]
pub struct Settings {
    pub(crate) variables: Variables,
    secrets: Secrets,
}

/// Starts the log, then reads settings: all of their values, or one error that names everything missing or bad.
///
/// ```no_run
/// # async fn start() -> Result<(), boot::SettingsError> {
/// let (mongo_url, signing) = boot::read(|settings| (settings.mongo_url(), settings.signing())).await?;
/// # Ok(())
/// # }
/// ```
pub async fn read<V: Values>(pick: impl FnOnce(&Settings) -> V) -> Result<V::Output, SettingsError> {
    crate::telemetry();
    pick(&Settings::load().await).values()
}

/// What signs and checks access tokens.
#[derive(Clone)]
pub struct Signing {
    /// `HS256`, `HS384` or `HS512`.
    pub algorithm: &'static str,
    /// `SECRET_KEY`, 32 bytes or more.
    pub key: String,
    /// `SECRET_KEY_PREVIOUS`, which verifies as well.
    pub previous_key: Option<String>,
    /// The life of an access token.
    pub lifetime: Duration,
}

/// What mails are sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSettings {
    /// `MAIL_FROM`, an address or `Name <address>`.
    pub from: String,
    /// `APP_URL`, where links in mails lead, without a slash at its end.
    pub app_url: String,
    /// `AWS_ENDPOINT_URL_SESV2`, another place than AWS.
    pub ses_url: Option<String>,
}

/// Where jobs are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queues {
    /// `FANOUT_QUEUE_URL`: frames for large rooms.
    pub fanout: Option<String>,
    /// `PRESENCE_QUEUE_URL`: people who came or went.
    pub presence: Option<String>,
    /// `PUSH_QUEUE_URL`: notifications.
    pub push: Option<String>,
}

/// Every variable that is missing or bad, by name, never by value.
#[derive(Clone, PartialEq, Eq)]
pub struct SettingsError(pub(crate) Vec<String>);

impl Settings {
    /// Reads the environment, and from Secrets Manager each secret that the environment names by its ARN.
    #[expect(clippy::disallowed_methods, reason = "nothing else reads the environment")]
    async fn load() -> Self {
        // Texts that are not Unicode count as missing.
        let variables =
            std::env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()));
        Self::from_variables(variables.collect()).await
    }

    pub(crate) async fn from_variables(variables: BTreeMap<String, String>) -> Self {
        let settings = Self::without_secrets(variables);
        let secrets = secrets::fetch(&settings).await;
        Self { secrets, ..settings }
    }

    /// Given variables, without what Secrets Manager would add.
    pub fn without_secrets(variables: BTreeMap<String, String>) -> Self {
        Self { variables: Variables(variables), secrets: Secrets::new() }
    }

    /// `MYSQL_URL`, in the form `mysql://user:password@host:port/database`, or its credentials as JSON beside `MYSQL_SERVER`.
    pub fn mysql_url(&self) -> Result<String, SettingsError> {
        self.optional_mysql_url("MYSQL_URL")?.ok_or_else(|| refusal("MYSQL_URL", "is missing"))
    }

    fn optional_mysql_url(&self, name: &'static str) -> Result<Option<String>, SettingsError> {
        let server = self.optional("MYSQL_SERVER", |value| server(value, &["mysql"]))?;
        self.optional(name, |secret| checks::mysql_url(&store_url(secret, server.as_deref(), "mysql")?))
    }

    /// `MYSQL_URL`, and `APP_MYSQL_URL` and `HEALTH_MYSQL_URL`: as whom other functions use MySQL, where that is somebody else.
    pub fn mysql_urls(&self) -> Result<(String, Option<String>, Option<String>), SettingsError> {
        values((
            self.mysql_url(),
            self.optional_mysql_url("APP_MYSQL_URL"),
            self.optional_mysql_url("HEALTH_MYSQL_URL"),
        ))
    }

    /// `MONGO_URL`, with a database in its path, or its credentials as JSON beside `MONGO_SERVER`.
    pub fn mongo_url(&self) -> Result<String, SettingsError> {
        let server = self.optional("MONGO_SERVER", |value| server(value, &["mongodb", "mongodb+srv"]))?;
        self.required("MONGO_URL", |secret| checks::mongo_url(&store_url(secret, server.as_deref(), "mongodb")?))
    }

    /// `TRUSTED_PROXY_KEY`, by which a proxy before the HTTP API shows that it is ours.
    pub fn trusted_proxy_key(&self) -> Result<Option<String>, SettingsError> {
        self.optional("TRUSTED_PROXY_KEY", checks::key)
    }

    /// `SECRET_KEY`, `SECRET_KEY_PREVIOUS`, `ALGORITHM` and `ACCESS_TOKEN_EXPIRE_HOURS`.
    pub fn signing(&self) -> Result<Signing, SettingsError> {
        let ((key, previous_key), algorithm, lifetime) =
            values((self.secret_keys(), self.optional("ALGORITHM", checks::algorithm), self.token_lifetime()))?;
        Ok(Signing { algorithm: algorithm.unwrap_or("HS256"), key, previous_key, lifetime })
    }

    /// `SECRET_KEY`, from which keys are derived, and `SECRET_KEY_PREVIOUS`, whose keys verify as well.
    pub fn secret_keys(&self) -> Result<(String, Option<String>), SettingsError> {
        values((self.required("SECRET_KEY", checks::key), self.optional("SECRET_KEY_PREVIOUS", checks::key)))
    }

    /// `ACCESS_TOKEN_EXPIRE_HOURS`, the life of an access token.
    pub fn token_lifetime(&self) -> Result<Duration, SettingsError> {
        Ok(self.optional("ACCESS_TOKEN_EXPIRE_HOURS", checks::hours)?.unwrap_or(Duration::from_mins(15)))
    }

    /// `WEBSOCKET_URL`, where clients connect, without a slash at its end.
    pub fn websocket_url(&self) -> Result<String, SettingsError> {
        self.required("WEBSOCKET_URL", |value| checks::url_of(value, ["ws", "wss"]))
    }

    /// `CONNECTIONS_URL`, where frames are pushed, without a slash at its end.
    pub fn connections_url(&self) -> Result<String, SettingsError> {
        self.required("CONNECTIONS_URL", |value| checks::url_of(value, ["http", "https"]))
    }

    /// `CONNECTIONS_URL`, and `INLINE_CONNECTIONS`: to how many connections an event is pushed at the most.
    pub fn connections(&self) -> Result<(String, usize), SettingsError> {
        let inline = self.optional("INLINE_CONNECTIONS", checks::connections);
        let (url, inline) = values((self.connections_url(), inline))?;
        Ok((url, inline.unwrap_or(200)))
    }

    /// `SEARCH_BACKEND` and `ATLAS_SEARCH_INDEX`: the search index of Atlas that searches for messages ask, if they ask one.
    pub fn atlas_search_index(&self) -> Result<Option<String>, SettingsError> {
        let backend = self.optional("SEARCH_BACKEND", checks::search_backend);
        let index = self.optional("ATLAS_SEARCH_INDEX", |name| Ok(name.to_owned()));
        let (backend, index) = values((backend, index))?;
        Ok((backend == Some("atlas")).then(|| index.unwrap_or_else(|| "messages_search".to_owned())))
    }

    /// `MAX_CONNECTIONS`: how many connections a person may have at once.
    pub fn max_connections(&self) -> Result<usize, SettingsError> {
        Ok(self.optional("MAX_CONNECTIONS", checks::own_connections)?.unwrap_or(20))
    }

    /// `TYPING`: whether anybody is told who types.
    pub fn typing(&self) -> Result<bool, SettingsError> {
        Ok(self.optional("TYPING", checks::switch)?.unwrap_or(true))
    }

    /// `INVITE_URL`, the page that takes the code of an invite, without a slash at its end.
    pub fn invite_url(&self) -> Result<Option<String>, SettingsError> {
        self.optional("INVITE_URL", |value| checks::url_of(value, ["http", "https"]))
    }

    /// `ALLOWED_ORIGINS`, separated by commas: the web pages that may connect.
    ///
    /// An empty list admits none of them, only clients that send no `Origin` or the API's own. There is no wildcard.
    pub fn allowed_origins(&self) -> Result<Vec<String>, SettingsError> {
        Ok(self.optional("ALLOWED_ORIGINS", checks::origins)?.unwrap_or_default())
    }

    /// The queues of jobs that follow from changes; each that is not set does not exist.
    pub fn queues(&self) -> Result<Queues, SettingsError> {
        let urls = (self.fanout_queue_url(), self.presence_queue_url(), self.push_queue_url());
        let (fanout, presence, push) = values(urls)?;
        Ok(Queues { fanout, presence, push })
    }

    /// `FANOUT_QUEUE_URL`, the queue of frames for large rooms; without it none is sent there.
    pub fn fanout_queue_url(&self) -> Result<Option<String>, SettingsError> {
        self.queue_url("FANOUT_QUEUE_URL")
    }

    /// `PRESENCE_QUEUE_URL`, the queue of people who came or went; without it none is sent there.
    pub fn presence_queue_url(&self) -> Result<Option<String>, SettingsError> {
        self.queue_url("PRESENCE_QUEUE_URL")
    }

    /// `PUSH_QUEUE_URL`, the queue of notifications; without it none is sent there.
    pub fn push_queue_url(&self) -> Result<Option<String>, SettingsError> {
        self.queue_url("PUSH_QUEUE_URL")
    }

    fn queue_url(&self, name: &'static str) -> Result<Option<String>, SettingsError> {
        self.optional(name, |value| checks::url_of(value, ["http", "https"]))
    }

    /// What mails are sent with; without `MAIL_FROM` none is sent.
    pub fn mail(&self) -> Result<Option<MailSettings>, SettingsError> {
        let Some(from) = self.optional("MAIL_FROM", checks::sender)? else { return Ok(None) };
        let (app_url, ses_url) = values((
            self.required("APP_URL", checks::app_url),
            self.optional("AWS_ENDPOINT_URL_SESV2", |value| checks::url_of(value, ["http", "https"])),
        ))?;
        Ok(Some(MailSettings { from, app_url, ses_url }))
    }

    /// What Lambda gives every function: credentials and region, and `AWS_ENDPOINT_URL_<SERVICE>` where a service is elsewhere.
    pub fn aws(&self) -> Result<SdkConfig, SettingsError> {
        let required = |name| self.required(name, |value| Ok(value.to_owned()));
        let (id, secret, region) =
            values((required("AWS_ACCESS_KEY_ID"), required("AWS_SECRET_ACCESS_KEY"), required("AWS_REGION")))?;
        let session_token = self.variables.get("AWS_SESSION_TOKEN").map(str::to_owned);
        let credentials = Credentials::new(id, secret, session_token, None, "lambda");
        let provider = SharedCredentialsProvider::new(credentials);
        let mut config = SdkConfig::builder()
            .region(Region::new(region))
            .credentials_provider(provider)
            .service_config(self.variables.clone());
        config.set_http_client(https::client());
        Ok(config.build())
    }

    pub(crate) fn required<T>(&self, name: &'static str, check: impl Fn(&str) -> Check<T>) -> Result<T, SettingsError> {
        match self.optional(name, check)? {
            Some(value) => Ok(value),
            None => Err(refusal(name, "is missing")),
        }
    }

    pub(crate) fn optional<T>(
        &self,
        name: &'static str,
        check: impl Fn(&str) -> Check<T>,
    ) -> Result<Option<T>, SettingsError> {
        let value = match self.secrets.get(name) {
            Some(Ok(secret)) => Some(secret.as_str()),
            Some(Err(why)) => return Err(refusal(name, why)),
            None => self.variables.get(name),
        };
        value.map(check).transpose().map_err(|why| refusal(name, why))
    }
}

fn refusal(name: &str, why: &str) -> SettingsError {
    SettingsError(vec![format!("{name} {why}")])
}

/// Variables that are set and not empty.
#[derive(Clone)]
pub(crate) struct Variables(BTreeMap<String, String>);

impl Variables {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

/// The SDK asks where a service is.
impl LoadServiceConfig for Variables {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let name = format!("{}_{}", key.env(), key.service_id().replace(' ', "_").to_uppercase());
        self.get(&name).map(str::to_owned)
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

// The runtime prints the debug form of what `main` returns.
impl fmt::Debug for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for SettingsError {}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signing").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    async fn settings(pairs: &[(&str, &str)]) -> Settings {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from_variables(pairs.collect()).await
    }

    #[tokio::test]
    async fn every_bad_setting_is_named_and_no_value_shown() {
        let settings = settings(&[("MYSQL_URL", "mysql://root:hush@h/"), ("SECRET_KEY", "hush")]).await;

        let read = values((settings.mysql_url(), settings.mongo_url(), settings.signing()));

        assert_eq!(
            read.unwrap_err().to_string(),
            "MYSQL_URL must name a database in its path; MONGO_URL is missing; SECRET_KEY has fewer than 32 bytes"
        );
    }

    #[tokio::test]
    async fn signing_has_defaults() {
        let settings = settings(&[("SECRET_KEY", KEY), ("SECRET_KEY_PREVIOUS", "")]).await;
        let signing = settings.signing().unwrap();

        assert_eq!((signing.algorithm, signing.lifetime), ("HS256", Duration::from_mins(15)));
        assert_eq!(signing.previous_key, None);
        assert!(!format!("{signing:?}{settings:?}").contains(KEY));
    }

    #[tokio::test]
    async fn person_has_twenty_connections_unless_it_is_set() {
        assert_eq!(settings(&[]).await.max_connections(), Ok(20));
        assert_eq!(settings(&[("MAX_CONNECTIONS", "3")]).await.max_connections(), Ok(3));
        let error = settings(&[("MAX_CONNECTIONS", "0")]).await.max_connections().unwrap_err();
        assert_eq!(error.to_string(), "MAX_CONNECTIONS must be 1 to 100");
    }

    #[tokio::test]
    async fn empty_origin_list_admits_no_page() {
        assert_eq!(settings(&[]).await.allowed_origins(), Ok(Vec::new()));
        assert!(settings(&[("ALLOWED_ORIGINS", "*")]).await.allowed_origins().is_err());
    }

    #[tokio::test]
    async fn bad_optional_settings_are_named() {
        let settings = settings(&[
            ("SECRET_KEY", KEY),
            ("SECRET_KEY_PREVIOUS", "short"),
            ("ALGORITHM", "none"),
            ("LIMIT_SENDS", "many"),
        ])
        .await;

        let error = values((settings.signing(), settings.limits())).unwrap_err().to_string();

        assert_eq!(
            error,
            "SECRET_KEY_PREVIOUS has fewer than 32 bytes; ALGORITHM must be HS256, HS384 or HS512; \
             LIMIT_SENDS must be `burst:per_minute`, such as 20:120, each 1 to 1000000"
        );
    }

    #[tokio::test]
    async fn mails_are_off_without_a_sender_and_need_an_app() {
        assert_eq!(settings(&[("APP_URL", "https://chat.example")]).await.mail(), Ok(None));
        let error = settings(&[("MAIL_FROM", "hi@chat.example")]).await.mail().unwrap_err().to_string();
        assert_eq!(error, "APP_URL is missing");
        let settings = settings(&[("MAIL_FROM", "Chat <hi@chat.example>"), ("APP_URL", "https://chat.example/")]).await;
        let mail = settings.mail().unwrap().unwrap();
        assert_eq!((mail.from.as_str(), mail.app_url.as_str()), ("Chat <hi@chat.example>", "https://chat.example"));
    }

    #[tokio::test]
    async fn empty_queue_url_is_no_queue() {
        let settings = settings(&[("FANOUT_QUEUE_URL", ""), ("PUSH_QUEUE_URL", "https://sqs.example/1/push")]).await;
        assert_eq!((settings.fanout_queue_url(), settings.presence_queue_url()), (Ok(None), Ok(None)));
        assert_eq!(settings.push_queue_url().unwrap().as_deref(), Some("https://sqs.example/1/push"));
    }

    #[tokio::test]
    async fn service_may_be_elsewhere() {
        let variables = [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "key"),
            ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9"),
        ];
        let aws = settings(&variables).await.aws().unwrap();
        let asked = |service| {
            let key = ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url");
            aws.service_config().unwrap().load_config(key.build().unwrap())
        };
        assert_eq!(asked("SQS").as_deref(), Some("http://127.0.0.1:9"));
        assert_eq!(asked("Secrets Manager"), None);
    }

    #[tokio::test]
    async fn aws_needs_what_lambda_sets() {
        let error = settings(&[("AWS_REGION", "eu-west-1")]).await.aws().unwrap_err().to_string();
        assert_eq!(error, "AWS_ACCESS_KEY_ID is missing; AWS_SECRET_ACCESS_KEY is missing");
    }
}
