#![doc = include_str!("../README.md")]

mod guess;

pub use guess::Guess;

use announce::Announcer;
use aws_types::SdkConfig;
use axum::extract::FromRef;
use background::Background;
use boot::{BoxError, Limits, Queues, Settings, SettingsError, Signing, warm_up};
use credentials::AccessTokens;
use domain::{Clock, Random};
use mongo::Mongo;
use mysql::Mysql;
use projection::Projector;
use queue::Sqs;
use realtime::ManagementApi;
use std::sync::Arc;
use web::Gatekeeper;

/// The state of a function's router.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Both stores.
    pub projector: Projector,
    /// Issues and checks access tokens.
    pub tokens: AccessTokens,
    /// How often something may be done.
    pub limits: Limits,
    /// The time.
    pub clock: Clock,
    /// Where ids, salts and secrets come from.
    pub random: Random,
}

/// What a backend is made of.
#[derive(Debug, Clone)]
pub struct BackendSettings {
    mysql_url: String,
    mongo_url: String,
    connections: (String, usize),
    queues: Queues,
    aws: SdkConfig,
    signing: Signing,
    limits: Limits,
}

impl Backend {
    /// Reads the settings and connects, for a function that needs no other setting.
    pub async fn connect(background: Background) -> Result<Self, BoxError> {
        boot::read(Self::settings).await?.connect(background).await
    }

    /// The settings of a backend, as `boot::read` takes them.
    pub fn settings(settings: &Settings) -> Result<BackendSettings, SettingsError> {
        let (mysql_url, mongo_url, connections, queues, aws, signing, limits) = boot::values((
            settings.mysql_url(),
            settings.mongo_url(),
            settings.connections(),
            settings.queues(),
            settings.aws(),
            settings.signing(),
            settings.limits(),
        ))?;
        Ok(BackendSettings { mysql_url, mongo_url, connections, queues, aws, signing, limits })
    }
}

impl BackendSettings {
    /// What signs tokens, for other tokens than access tokens.
    pub fn signing(&self) -> &Signing {
        &self.signing
    }

    /// A backend of a Lambda, with an open connection to each store that answers.
    pub async fn connect(self, background: Background) -> Result<Backend, BoxError> {
        let Signing { algorithm, key, previous_key, lifetime } = &self.signing;
        let (mongo, clock) = (Mongo::connect(&self.mongo_url).await?, boot::clock());
        let (connections_url, inline) = &self.connections;
        let pusher = Arc::new(ManagementApi::new(connections_url, &self.aws));
        let announcer = Announcer::new(mongo.clone(), pusher, clock, background)
            .with_inline_connections(*inline)
            .with_fanout(Sqs::jobs(self.queues.fanout.as_deref(), &self.aws))
            .with_presence(Sqs::jobs(self.queues.presence.as_deref(), &self.aws))
            .with_notifications(Sqs::jobs(self.queues.push.as_deref(), &self.aws));
        let projector = Projector {
            mysql: Mysql::connect(&self.mysql_url, Mysql::LAMBDA_CONNECTIONS)?,
            announcer,
            mongo,
            clock,
            token_lifetime: *lifetime,
        };
        tokio::join!(
            warm_up("open a connection to MySQL", projector.mysql.ping()),
            warm_up("open connections to MongoDB", projector.mongo.warm_up()),
            projector.announcer.warm_up(),
        );
        Ok(Backend {
            projector,
            tokens: AccessTokens::new(algorithm, key, previous_key.as_deref(), *lifetime)?,
            limits: self.limits,
            clock,
            random: boot::random(),
        })
    }
}

impl FromRef<Backend> for Gatekeeper {
    fn from_ref(backend: &Backend) -> Self {
        let Backend { projector, tokens, limits, clock, random } = backend;
        let (tokens, mongo) = (tokens.clone(), projector.mongo.clone());
        Self { tokens, mongo, clock: *clock, limits: *limits, random: *random }
    }
}
