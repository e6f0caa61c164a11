//! A MySQL server and a MongoDB server, started and stopped together.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use crate::{
    container::Container,
    folders::Folder,
    install,
    mongod::{Mongod, REPLICA_SET},
    mysqld::Mysqld,
    ports::{Port, Ports},
    process::stop_leftovers,
    progress::Progress,
};

/// A MySQL (or MariaDB) server and a MongoDB replica set in a folder and on ports of their own.
///
/// Dropped without [`Databases::stop`], the servers are killed; their data survive.
#[derive(Debug)]
pub struct Databases {
    mysql: Mysql,
    mongo: Mongo,
    ports: Ports,
    _claims: [Port; 2],
    folder: Folder,
}

#[derive(Debug)]
enum Mysql {
    Process(Mysqld),
    Container(Container),
}

#[derive(Debug)]
enum Mongo {
    Process(Mongod),
    Container(Container),
}

/// How long the data of databases are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// From run to run.
    Always,
    /// Until the run ends. A killed server still loses nothing.
    OneRun,
}

impl Databases {
    /// Finds or installs the servers, initializes their data at the first start, starts both and waits until they answer.
    ///
    /// Servers that an earlier run left in the folder are stopped first. Ports stay those of the last run while they are free.
    /// Fails if another run holds the folder, or if no server can be found or installed; the error says what to install.
    pub async fn start(folder: &Path, wanted: Wanted, progress: &Progress) -> Result<Self> {
        let folder = Folder::take(folder)?;
        for leftover in stop_leftovers(&folder.path().join("processes"))? {
            progress.say(&format!("stopped {} (process {}) of an earlier run", leftover.name, leftover.pid));
        }
        let (ports, claims) = Ports::remembered(folder.path())?;
        let (mysqld, mongod) = tokio::try_join!(install::mysqld(progress), install::mongod(progress))?;
        let step = progress.step("starting the databases");
        let mysql = async {
            Ok(match mysqld {
                Some(program) => Mysql::Process(Mysqld::start(&program, folder.path(), ports.mysql, wanted).await?),
                None => Mysql::Container(Container::start("mysql", folder.path(), ports).await.context(NO_MYSQL)?),
            })
        };
        let mongo = async {
            Ok(match mongod {
                Some(program) => Mongo::Process(Mongod::start(&program, folder.path(), ports.mongo).await?),
                None => Mongo::Container(Container::start("mongo", folder.path(), ports).await.context(NO_MONGO)?),
            })
        };
        let (mysql, mongo) = tokio::try_join!(mysql, mongo).map_err(|error: anyhow::Error| error)?;
        step.done(&format!("databases on ports {} (MySQL) and {} (MongoDB)", ports.mysql, ports.mongo));
        Ok(Self { mysql, mongo, ports, _claims: claims, folder })
    }

    /// The folder beside their data in which files are.
    pub(crate) fn objects(&self) -> PathBuf {
        self.folder.path().join("objects")
    }

    /// The URL of a database of the MySQL server; without a name, of the server.
    pub fn mysql_url(&self, database: &str) -> String {
        with_database(&format!("mysql://root@127.0.0.1:{}", self.ports.mysql), database)
    }

    /// The URL of a database of the replica set; without a name, of the set.
    pub fn mongo_url(&self, database: &str) -> String {
        with_database(&format!("mongodb://127.0.0.1:{}/?replicaSet={REPLICA_SET}", self.ports.mongo), database)
    }

    /// The process id of `mongod`; `None` while it is down or if it runs in a container.
    pub fn mongod_pid(&self) -> Option<u32> {
        match &self.mongo {
            Mongo::Process(mongod) => mongod.pid(),
            Mongo::Container(_) => None,
        }
    }

    /// SIGKILL to `mongod`; returns when it is gone.
    pub async fn kill_mongod(&self) {
        match &self.mongo {
            Mongo::Process(mongod) => mongod.kill().await,
            Mongo::Container(container) => container.act("kill"),
        }
    }

    /// Starts `mongod` again on the same port with the same data, killing it first if it runs; returns when it is primary.
    pub async fn restart_mongod(&self) -> Result<()> {
        match &self.mongo {
            Mongo::Process(mongod) => mongod.restart().await,
            Mongo::Container(container) => container.up().await,
        }
    }

    /// SIGKILL to the MySQL server; returns when it is gone.
    pub async fn kill_mysqld(&self) {
        match &self.mysql {
            Mysql::Process(mysqld) => mysqld.kill().await,
            Mysql::Container(container) => container.act("kill"),
        }
    }

    /// Starts the MySQL server again on the same port with the same data, killing it first if it runs; returns when it answers.
    pub async fn restart_mysqld(&self) -> Result<()> {
        match &self.mysql {
            Mysql::Process(mysqld) => mysqld.restart().await,
            Mysql::Container(container) => container.up().await,
        }
    }

    /// SIGSTOP to `mongod`: connections stay open and nothing answers. Returns when it has stopped.
    pub async fn pause_mongod(&self) {
        match &self.mongo {
            Mongo::Process(mongod) => mongod.pause().await,
            Mongo::Container(container) => container.act("pause"),
        }
    }

    /// SIGCONT to `mongod`: it continues.
    pub fn resume_mongod(&self) {
        match &self.mongo {
            Mongo::Process(mongod) => mongod.signal(Signal::SIGCONT),
            Mongo::Container(container) => container.act("unpause"),
        }
    }

    /// Shuts both down in order.
    pub async fn stop(self) {
        let mysql = async {
            match &self.mysql {
                Mysql::Process(mysqld) => mysqld.stop().await,
                Mysql::Container(container) => container.act("stop"),
            }
        };
        let mongo = async {
            match &self.mongo {
                Mongo::Process(mongod) => mongod.stop().await,
                Mongo::Container(container) => container.act("stop"),
            }
        };
        tokio::join!(mysql, mongo);
    }

    /// Kills both, for data that are deleted anyway.
    pub async fn abandon(self) {
        match &self.mysql {
            Mysql::Process(mysqld) => mysqld.kill().await,
            Mysql::Container(container) => container.act("down"),
        }
        match &self.mongo {
            Mongo::Process(mongod) => mongod.kill().await,
            Mongo::Container(container) => container.act("down"),
        }
    }
}

const NO_MYSQL: &str =
    "there is no MySQL: install MySQL 8.4 or MariaDB 10.11 (mysqld or mariadbd), or Docker with Compose";
const NO_MONGO: &str = "there is no MongoDB: install MongoDB 6 or newer (mongod), or Docker with Compose";

/// The URL of a database of a server.
pub(crate) fn with_database(url: &str, database: &str) -> String {
    let (address, query) =
        url.split_once('?').map_or((url, String::new()), |(address, query)| (address, format!("?{query}")));
    format!("{}/{database}{query}", address.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_goes_between_address_and_query() {
        assert_eq!(with_database("mysql://root@127.0.0.1:3306", "chat"), "mysql://root@127.0.0.1:3306/chat");
        assert_eq!(
            with_database("mongodb://127.0.0.1:1/?replicaSet=rs0", "chat"),
            "mongodb://127.0.0.1:1/chat?replicaSet=rs0"
        );
        assert_eq!(with_database("mongodb://127.0.0.1:1?replicaSet=rs0", ""), "mongodb://127.0.0.1:1/?replicaSet=rs0");
    }
}
