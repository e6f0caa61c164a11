use crate::{checks, checks::Check, secrets, secrets::Secrets};
use domain::Limit;
use std::{collections::BTreeMap, error::Error, fmt, time::Duration};

/// The environment, as typed values; `finish` tells what was missing or bad.
///
/// ```no_run
/// # async fn boot() -> Result<(), boot::SettingsError> {
/// let mut settings = boot::Settings::load().await;
/// let (mysql_url, signing) = (settings.mysql_url(), settings.signing());
/// settings.finish()?; // names all that is wrong, not only the first
/// let (mysql_url, signing) = (mysql_url?, signing?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Settings {
    variables: Variables,
    secrets: Secrets,
    wrong: Vec<String>,
}

/// What signs and checks access tokens.
#[derive(Clone)]
pub struct Signing {
    /// `HS256`, `HS384` or `HS512`.
    pub algorithm: &'static str,
    /// `SECRET_KEY`, 32 bytes or more.
    pub key: String,
    /// `SECRET_KEY_PREVIOUS`, which still verifies.
    pub previous_key: Option<String>,
    /// The life of an access token.
    pub lifetime: Duration,
}

/// What signs requests to AWS's own APIs.
#[derive(Clone)]
pub struct AwsCredentials {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_SESSION_TOKEN`, which roles have.
    pub session_token: Option<String>,
    /// `AWS_REGION`.
    pub region: String,
}

/// Every variable that is missing or bad, by name, never by value.
#[derive(Clone, PartialEq, Eq)]
pub struct SettingsError(Vec<String>);

impl Settings {
    /// Reads the environment, and from Secrets Manager each secret that the environment names by its ARN.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub async fn load() -> Self {
        // Texts that are not Unicode count as missing.
        let variables =
            std::env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()));
        Self::from_variables(variables.collect()).await
    }

    /// The same over given variables.
    pub async fn from_variables(variables: BTreeMap<String, String>) -> Self {
        let variables = Variables(variables);
        let secrets = secrets::fetch(&variables).await;
        Self { variables, secrets, wrong: Vec::new() }
    }

    /// `MYSQL_URL`, in the form `mysql://user:password@host:port/database`.
    pub fn mysql_url(&mut self) -> Result<String, SettingsError> {
        self.required("MYSQL_URL", checks::mysql_url)
    }

    /// `MONGO_URL`, with a database in its path.
    pub fn mongo_url(&mut self) -> Result<String, SettingsError> {
        self.required("MONGO_URL", checks::mongo_url)
    }

    /// `SECRET_KEY`, `SECRET_KEY_PREVIOUS`, `ALGORITHM` and `ACCESS_TOKEN_EXPIRE_HOURS`.
    pub fn signing(&mut self) -> Result<Signing, SettingsError> {
        let key = self.required("SECRET_KEY", checks::key);
        let previous_key = self.optional("SECRET_KEY_PREVIOUS", checks::key);
        let algorithm = self.optional("ALGORITHM", checks::algorithm);
        let lifetime = self.token_lifetime();
        Ok(Signing {
            algorithm: algorithm?.unwrap_or("HS256"),
            key: key?,
            previous_key: previous_key?,
            lifetime: lifetime?,
        })
    }

    /// `ACCESS_TOKEN_EXPIRE_HOURS`, the life of an access token.
    pub fn token_lifetime(&mut self) -> Result<Duration, SettingsError> {
        Ok(self.optional("ACCESS_TOKEN_EXPIRE_HOURS", checks::hours)?.unwrap_or(Duration::from_mins(15)))
    }

    /// `LIMIT_SENDS`: how many messages a person may send.
    pub fn send_limit(&mut self) -> Result<Limit, SettingsError> {
        self.limit("LIMIT_SENDS", Limit { burst: 20, per_minute: 120 })
    }

    /// `LIMIT_FRIEND_REQUESTS`: how many people a person may ask.
    pub fn friend_request_limit(&mut self) -> Result<Limit, SettingsError> {
        self.limit("LIMIT_FRIEND_REQUESTS", Limit { burst: 30, per_minute: 30 })
    }

    /// `LIMIT_SEARCHES`: how often a person may look for people.
    pub fn search_limit(&mut self) -> Result<Limit, SettingsError> {
        self.limit("LIMIT_SEARCHES", Limit { burst: 30, per_minute: 30 })
    }

    /// `LIMIT_TICKETS`: how many WebSockets a person may open.
    pub fn ticket_limit(&mut self) -> Result<Limit, SettingsError> {
        self.limit("LIMIT_TICKETS", Limit { burst: 30, per_minute: 30 })
    }

    /// `LIMIT_SIGN_INS`: how often an address of the internet may register, log in or refresh, each for itself.
    pub fn sign_in_limit(&mut self) -> Result<Limit, SettingsError> {
        self.limit("LIMIT_SIGN_INS", Limit { burst: 60, per_minute: 60 })
    }

    /// `LIMIT_FRAMES`: how many frames a WebSocket may send.
    pub fn frame_limit(&mut self) -> Result<Limit, SettingsError> {
        self.limit("LIMIT_FRAMES", Limit { burst: 120, per_minute: 120 })
    }

    fn limit(&mut self, name: &'static str, default: Limit) -> Result<Limit, SettingsError> {
        Ok(self.optional(name, checks::limit)?.unwrap_or(default))
    }

    /// `WEBSOCKET_URL`, where clients connect, without a slash at its end.
    pub fn websocket_url(&mut self) -> Result<String, SettingsError> {
        self.required("WEBSOCKET_URL", |value| checks::url_of(value, ["ws", "wss"]))
    }

    /// `CONNECTIONS_URL`, where frames are pushed, without a slash at its end.
    pub fn connections_url(&mut self) -> Result<String, SettingsError> {
        self.required("CONNECTIONS_URL", |value| checks::url_of(value, ["http", "https"]))
    }

    /// `ALLOWED_ORIGINS`, separated by commas: the web pages that may connect.
    ///
    /// An empty list admits none of them, only clients that send no `Origin`. There is no wildcard.
    pub fn allowed_origins(&mut self) -> Result<Vec<String>, SettingsError> {
        Ok(self.optional("ALLOWED_ORIGINS", checks::origins)?.unwrap_or_default())
    }

    /// What Lambda gives every function, `AWS_ACCESS_KEY_ID` and its kin.
    pub fn aws_credentials(&mut self) -> Result<AwsCredentials, SettingsError> {
        let [id, secret, region] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"]
            .map(|name| self.required(name, |value| Ok(value.to_owned())));
        let session_token = self.variables.get("AWS_SESSION_TOKEN").map(str::to_owned);
        Ok(AwsCredentials { access_key_id: id?, secret_access_key: secret?, session_token, region: region? })
    }

    /// Fails if anything that was asked for is missing or bad, and names all of it.
    pub fn finish(self) -> Result<(), SettingsError> {
        if self.wrong.is_empty() { Ok(()) } else { Err(SettingsError(self.wrong)) }
    }

    fn required<T>(&mut self, name: &'static str, check: impl Fn(&str) -> Check<T>) -> Result<T, SettingsError> {
        match self.optional(name, check)? {
            Some(value) => Ok(value),
            None => Err(self.refuse(name, "is missing")),
        }
    }

    fn optional<T>(
        &mut self,
        name: &'static str,
        check: impl Fn(&str) -> Check<T>,
    ) -> Result<Option<T>, SettingsError> {
        let value = match self.secrets.get(name) {
            Some(Ok(secret)) => Some(secret.as_str()),
            Some(Err(why)) => return Err(self.refuse(name, why)),
            None => self.variables.get(name),
        };
        value.map(check).transpose().map_err(|why| self.refuse(name, why))
    }

    fn refuse(&mut self, name: &'static str, why: &'static str) -> SettingsError {
        let wrong = format!("{name} {why}");
        self.wrong.push(wrong.clone());
        SettingsError(vec![wrong])
    }
}

/// Variables that are set and not empty.
pub(crate) struct Variables(BTreeMap<String, String>);

impl Variables {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
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

impl fmt::Debug for AwsCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsCredentials").field("region", &self.region).finish_non_exhaustive()
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
    async fn everything_wrong_is_named_at_once_and_no_value_shown() {
        let mut settings = settings(&[("MYSQL_URL", "mysql://root:hush@h/"), ("SECRET_KEY", "hush")]).await;
        let _ = (settings.mysql_url(), settings.mongo_url(), settings.signing());

        let error = settings.finish().unwrap_err().to_string();

        assert_eq!(
            error,
            "MYSQL_URL must name a database in its path; MONGO_URL is missing; SECRET_KEY has fewer than 32 bytes"
        );
    }

    #[tokio::test]
    async fn signing_has_defaults() {
        let mut settings = settings(&[("SECRET_KEY", KEY), ("SECRET_KEY_PREVIOUS", "")]).await;
        let signing = settings.signing().unwrap();

        assert_eq!((signing.algorithm, signing.lifetime), ("HS256", Duration::from_mins(15)));
        assert_eq!(signing.previous_key, None);
        assert!(!format!("{signing:?}{settings:?}").contains(KEY));
        assert_eq!(settings.finish(), Ok(()));
    }

    #[tokio::test]
    async fn no_origins_admit_no_page() {
        assert_eq!(settings(&[]).await.allowed_origins(), Ok(Vec::new()));
        assert!(settings(&[("ALLOWED_ORIGINS", "*")]).await.allowed_origins().is_err());
    }

    #[tokio::test]
    async fn a_bad_optional_variable_is_named() {
        let mut settings =
            settings(&[("SECRET_KEY", KEY), ("SECRET_KEY_PREVIOUS", "short"), ("ALGORITHM", "none")]).await;
        let _ = settings.signing();

        let error = settings.finish().unwrap_err().to_string();

        assert_eq!(error, "SECRET_KEY_PREVIOUS has fewer than 32 bytes; ALGORITHM must be HS256, HS384 or HS512");
    }
}
