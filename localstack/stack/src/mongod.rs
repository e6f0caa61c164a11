//! A MongoDB server: a replica set of one.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use mongodb::{
    Client, Database,
    bson::{Document, doc},
    options::ClientOptions,
};
use nix::sys::signal::Signal;
use tokio::sync::Mutex;

use crate::{process::Server, program::log_tail};

/// The name of the replica set.
pub(crate) const REPLICA_SET: &str = "rs0";

/// Closes unused files soon.
const FILES: &str = "file_manager=(close_handle_minimum=100,close_idle_time=10,close_scan_interval=5)";

/// A server that can be killed and restarted.
#[derive(Debug)]
pub(crate) struct Mongod {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    server: Mutex<Option<Server>>,
}

impl Mongod {
    /// Starts the server over the data in `folder` and waits until it is a primary.
    pub(crate) async fn start(program: &Path, folder: &Path, port: u16) -> Result<Self> {
        let mongod = Self { program: program.to_owned(), folder: folder.to_owned(), port, server: Mutex::new(None) };
        mongod.restart().await?;
        Ok(mongod)
    }

    /// Kills the server if it runs, and restarts it on the same port with the same data.
    pub(crate) async fn restart(&self) -> Result<()> {
        let mut slot = self.server.lock().await;
        if let Some(server) = slot.take() {
            server.kill().await;
        }
        let data = self.folder.join("mongo");
        fs::create_dir_all(&data)?;
        let log = self.folder.join("mongod.log");
        let mut command = Command::new(&self.program);
        command.args(["--bind_ip", "127.0.0.1", "--nounixsocket", "--replSet", REPLICA_SET, "--quiet"]);
        command.args(["--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "256"]);
        // The files of a test's dropped database would stay open for minutes.
        command.args(["--wiredTigerEngineConfigString", FILES]);
        // A single node has no successor to wait for, and nobody reads its diagnostics.
        command.args(["--setParameter", "shutdownTimeoutMillisForSignaledShutdown=0"]);
        command.args(["--setParameter", "diagnosticDataCollectionEnabled=false"]);
        command.arg("--port").arg(self.port.to_string());
        command.arg("--dbpath").arg(&data).arg("--logpath").arg(&log).arg("--logappend");
        let server = slot.insert(Server::spawn("mongod", &command, &self.folder.join("processes"))?);
        wait_until_primary(server, self.port).await.with_context(|| log_tail(&log))
    }

    pub(crate) async fn kill(&self) {
        if let Some(server) = self.server.lock().await.take() {
            server.kill().await;
        }
    }

    pub(crate) async fn stop(&self) {
        if let Some(server) = self.server.lock().await.take() {
            server.stop(Duration::from_secs(10)).await;
        }
    }

    /// Its process id; `None` while it is down or starting.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.server.try_lock().ok()?.as_ref().map(Server::pid)
    }

    /// SIGSTOP; see [`Server::pause`].
    pub(crate) async fn pause(&self) {
        if let Some(server) = self.server.lock().await.as_ref() {
            server.pause().await;
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if let Ok(server) = self.server.try_lock()
            && let Some(server) = server.as_ref()
        {
            server.signal(signal);
        }
    }
}

/// Initiates the replica set or updates its port, and waits until the node is its primary.
async fn wait_until_primary(server: &Server, port: u16) -> Result<()> {
    let mut options = ClientOptions::parse(format!("mongodb://127.0.0.1:{port}/?directConnection=true")).await?;
    options.server_selection_timeout = Some(Duration::from_secs(1));
    options.connect_timeout = Some(Duration::from_secs(1));
    let deadline = Instant::now() + Duration::from_mins(1);
    let mut state = anyhow::anyhow!("it does not answer");
    while Instant::now() < deadline {
        ensure!(server.is_alive(), "mongod ended during its start");
        // Until the port is open the driver would wait out its heartbeat.
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            let client = Client::with_options(options.clone())?;
            let step = step_to_primary(&client.database("admin"), port).await;
            client.shutdown().await;
            match step {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => state = error,
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.signal(Signal::SIGKILL);
    Err(state.context(format!("mongod on port {port} does not become a primary")))
}

/// One step; true when the node accepts writes.
async fn step_to_primary(admin: &Database, port: u16) -> Result<bool> {
    let hello = admin.run_command(doc! { "hello": 1 }).await?;
    let address = format!("127.0.0.1:{port}");
    if hello.get_bool("isWritablePrimary").unwrap_or(false) {
        return Ok(hello.get_str("me").is_ok_and(|me| me == address));
    }
    if hello.get_str("setName").is_ok() {
        return Ok(false);
    }
    // A new node, or one whose set knows it under its former port.
    let members = vec![doc! { "_id": 0, "host": &address }];
    let Err(refused) = admin.run_command(doc! { "replSetInitiate": { "_id": REPLICA_SET, "members": &members } }).await
    else {
        return Ok(false);
    };
    let answer = admin.run_command(doc! { "replSetGetConfig": 1 }).await;
    let Ok(Ok(config)) = answer.map(|answer| answer.get_document("config").cloned()) else {
        bail!(refused);
    };
    reconfigure(admin, config, &address, members).await?;
    Ok(false)
}

async fn reconfigure(admin: &Database, mut config: Document, address: &str, members: Vec<Document>) -> Result<()> {
    let hosts = config.get_array("members")?.iter().filter_map(|member| member.as_document()?.get_str("host").ok());
    if hosts.eq([address]) {
        return Ok(());
    }
    let version = config.get_i32("version").unwrap_or(1);
    config.insert("version", version + 1);
    config.insert("members", members);
    admin.run_command(doc! { "replSetReconfig": config, "force": true }).await?;
    Ok(())
}
