#![doc = include_str!("../README.md")]

mod get_health;
mod get_readiness;

use boot::BoxError;
use contract::ReadinessView;
use domain::{Clock, Fault, Timestamp};
use mongo::Mongo;
use mysql::Mysql;
use std::sync::Arc;
use tokio::sync::{Mutex, OnceCell};
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the routes work with.
#[derive(Debug, Clone)]
pub struct App {
    mysql: Mysql,
    mongo_url: Arc<str>,
    mongo: Arc<OnceCell<Mongo>>,
    clock: Clock,
    /// The last answer and when it was given; locked while the stores are asked.
    latest: Arc<Mutex<Option<(Timestamp, ReadinessView)>>>,
}

impl App {
    /// Reads the settings and prepares clients. Nothing is connected: a store that is away is what this function tells.
    pub async fn connect() -> Result<Self, BoxError> {
        let (mysql_url, mongo_url) = boot::read(|settings| (settings.mysql_url(), settings.mongo_url())).await?;
        Ok(Self::new(Mysql::connect(&mysql_url, Mysql::LAMBDA_CONNECTIONS)?, &mongo_url, boot::clock()))
    }

    /// Over both stores, whether they answer or not.
    pub fn new(mysql: Mysql, mongo_url: &str, clock: Clock) -> Self {
        Self { mysql, mongo_url: mongo_url.into(), mongo: Arc::default(), clock, latest: Arc::default() }
    }

    /// A client, made when it is first asked for: a `mongodb+srv` URL needs an answer from the name service.
    async fn mongo(&self) -> Result<&Mongo, Fault> {
        self.mongo.get_or_try_init(|| Mongo::connect(&self.mongo_url)).await
    }
}

/// The routes of this function and their documentation.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(web::openapi())
        .routes(routes!(get_health::get_health))
        .routes(routes!(get_readiness::get_readiness))
}
