use crate::Projector;
use boot::{AwsCredentials, Settings, SettingsError};
use mongo::Mongo;
use mysql::Mysql;
use realtime::ManagementApi;
use std::{error::Error, time::Duration};

/// What a projector needs of the settings; `Settings::finish` tells what of it is missing or bad.
#[derive(Debug)]
pub struct ProjectorSettings {
    mysql_url: Result<String, SettingsError>,
    mongo_url: Result<String, SettingsError>,
    connections_url: Result<String, SettingsError>,
    aws: Result<AwsCredentials, SettingsError>,
    token_lifetime: Result<Duration, SettingsError>,
}

impl ProjectorSettings {
    /// `MYSQL_URL`, `MONGO_URL`, `CONNECTIONS_URL`, `ACCESS_TOKEN_EXPIRE_HOURS` and what Lambda gives every function.
    pub fn read(settings: &mut Settings) -> Self {
        Self {
            mysql_url: settings.mysql_url(),
            mongo_url: settings.mongo_url(),
            connections_url: settings.connections_url(),
            aws: settings.aws_credentials(),
            token_lifetime: settings.token_lifetime(),
        }
    }

    /// A projector of a Lambda, by the system's clock. Neither store is connected before it is needed.
    pub async fn connect(self) -> Result<Projector, Box<dyn Error + Send + Sync>> {
        Ok(Projector {
            mysql: Mysql::connect(&self.mysql_url?, Mysql::LAMBDA_CONNECTIONS)?,
            mongo: Mongo::connect(&self.mongo_url?).await?,
            pusher: ManagementApi::new(&self.connections_url?, self.aws?),
            clock: boot::clock(),
            token_lifetime: self.token_lifetime?,
        })
    }
}
