//! A database in a container of `localstack/compose.yaml`, where no server can be installed.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{paths::root, ports::Ports, program::run};

/// One service of the Compose file, in a project named after the folder.
#[derive(Debug)]
pub(crate) struct Container {
    service: &'static str,
    project: String,
    ports: Ports,
    folder: PathBuf,
}

impl Container {
    /// Starts the service and waits until it is healthy.
    pub(crate) async fn start(service: &'static str, folder: &Path, ports: Ports) -> Result<Self> {
        // One project per folder, so that two stacks have their own containers and volumes.
        let name: String = folder
            .to_string_lossy()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        let container = Self { service, project: format!("chat{name}"), ports, folder: folder.to_owned() };
        container.up().await?;
        Ok(container)
    }

    /// Starts the service if it does not run.
    pub(crate) async fn up(&self) -> Result<()> {
        let mut command = self.compose();
        command.args(["up", "--detach", "--wait", self.service]);
        tokio::task::spawn_blocking(move || run(&mut command)).await?.context("Docker could not start it either")
    }

    /// `kill`, `pause`, `unpause` or `stop`; `down` also removes its data. A failure shows at the next use of the database.
    pub(crate) fn act(&self, verb: &str) {
        let mut command = self.compose();
        match verb {
            "down" => command.args(["rm", "--force", "--stop", "--volumes", self.service]),
            verb => command.args([verb, self.service]),
        };
        let _ = run(&mut command);
    }

    fn compose(&self) -> Command {
        let mut command = Command::new("docker");
        command
            .args(["compose", "--project-name", &self.project, "--file"])
            .arg(root().join("localstack/compose.yaml"));
        command.env("MYSQL_PORT", self.ports.mysql.to_string()).env("MONGO_PORT", self.ports.mongo.to_string());
        command.current_dir(&self.folder);
        command
    }
}
