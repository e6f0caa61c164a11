//! A MySQL or MariaDB server.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use tokio::{io::AsyncReadExt as _, net::TcpStream, sync::Mutex};

use crate::{
    databases::Wanted,
    process::Server,
    program::{log_tail, version},
};

/// Lets `root` connect from this machine without a password.
const ROOT: &str = "CREATE USER IF NOT EXISTS 'root'@'127.0.0.1' IDENTIFIED BY '';
GRANT ALL ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
";

/// MariaDB's scripts that create its system tables, in order, without the help texts and `sys`.
const SCRIPTS: [&[&str]; 4] = [
    &["mariadb_system_tables.sql", "mysql_system_tables.sql"],
    &["mariadb_performance_tables.sql", "mysql_performance_tables.sql"],
    &["mariadb_system_tables_data.sql", "mysql_system_tables_data.sql"],
    &["maria_add_gis_sp_bootstrap.sql"],
];

/// A server that can be killed and restarted.
#[derive(Debug)]
pub(crate) struct Mysqld {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    wanted: Wanted,
    server: Mutex<Option<Server>>,
}

impl Mysqld {
    /// Starts the server over the data in `folder`, initialized at the first start, and waits until it answers.
    pub(crate) async fn start(program: &Path, folder: &Path, port: u16, wanted: Wanted) -> Result<Self> {
        let data = folder.join("mysql");
        if !data.exists() {
            let (program, data) = (program.to_owned(), data.clone());
            tokio::task::spawn_blocking(move || initialize(&program, &data)).await??;
        }
        let (program, folder) = (program.to_owned(), folder.to_owned());
        let mysqld = Self { program, folder, port, wanted, server: Mutex::new(None) };
        mysqld.restart().await?;
        Ok(mysqld)
    }

    /// Kills the server if it runs, and restarts it on the same port with the same data.
    pub(crate) async fn restart(&self) -> Result<()> {
        let mut slot = self.server.lock().await;
        if let Some(server) = slot.take() {
            server.kill().await;
        }
        let folder = &self.folder;
        let mut command = server(&self.program, &folder.join("mysql"));
        command.args(["--bind-address=127.0.0.1", "--skip-networking=0", "--socket=mysql.sock", "--skip-name-resolve"]);
        command.args(["--max-connections=500", "--character-set-server=utf8mb4", "--skip-log-bin"]);
        command.args(["--innodb-buffer-pool-size=64M", "--performance-schema=OFF", "--loose-mysqlx=OFF"]);
        // Written to the system at every commit: a killed server loses nothing, only a power failure could.
        command.args(["--innodb-flush-log-at-trx-commit=2"]);
        if self.wanted == Wanted::OneRun {
            // Making a test's tables takes less than half the time when nothing waits for the disk.
            command.args(["--innodb-flush-method=nosync", "--loose-debug-no-sync"]);
        }
        command.arg(format!("--port={}", self.port));
        command.arg(format!("--pid-file={}", folder.join("mysqld.pid").display()));
        let log = folder.join("mysqld.log");
        command.arg(format!("--log-error={}", log.display()));
        let server = slot.insert(Server::spawn("mysqld", &command, &folder.join("processes"))?);
        wait_until_answering(server, self.port).await.with_context(|| log_tail(&log))
    }

    pub(crate) async fn stop(&self) {
        if let Some(server) = self.server.lock().await.take() {
            server.stop(Duration::from_secs(10)).await;
        }
    }

    pub(crate) async fn kill(&self) {
        if let Some(server) = self.server.lock().await.take() {
            server.kill().await;
        }
    }
}

/// The options of every use of the server. `--no-defaults` comes first and ignores the machine's configuration.
fn server(program: &Path, data: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("--no-defaults");
    if nix::unistd::geteuid().is_root() {
        command.arg("--user=root");
    }
    command.arg(format!("--datadir={}", data.display()));
    // A server deletes all temporary tables in its folder at its start, those of other servers too.
    let beside = data.parent().unwrap_or(data);
    command.arg(format!("--tmpdir={}", beside.display()));
    // io_uring, which native AIO means on Linux, is refused in many containers and hangs on some kernels.
    command.args(["--innodb-use-native-aio=0", "--loose-innodb-log-file-size=32M"]);
    command
}

/// Creates the data in a temporary folder and moves it to its path as a whole.
fn initialize(program: &Path, data: &Path) -> Result<()> {
    let parent = data.parent().context("the data lie in a folder")?;
    fs::create_dir_all(parent)?;
    let fresh = tempfile::Builder::new().prefix("mysql-").tempdir_in(parent)?;
    let log = parent.join("mysqld-init.log");
    let target = fresh.path().join("data");
    if version(program)?.contains("MariaDB") {
        fs::create_dir(&target)?;
        bootstrap(program, &target, &log).with_context(|| log_tail(&log))?;
    } else {
        let users = fresh.path().join("users.sql");
        fs::write(&users, ROOT)?;
        let mut command = server(program, &target);
        command.arg("--initialize-insecure").arg(format!("--init-file={}", users.display()));
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?).status()?;
        ensure!(
            status.success(),
            "{} could not make its data folder (does AppArmor keep it out?); {}",
            program.display(),
            log_tail(&log)
        );
    }
    fs::rename(&target, data)?;
    Ok(())
}

/// Does what `mariadb-install-db` does, which calls a program that Debian's package of the server lacks.
fn bootstrap(program: &Path, data: &Path, log: &Path) -> Result<()> {
    let scripts = scripts(program)?;
    let mut command = server(program, data);
    command.args(["--bootstrap", "--enforce-storage-engine=", "--max-allowed-packet=8M", "--net-buffer-length=16K"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(File::create(log)?).spawn()?;
    let mut input = child.stdin.take().context("its input is a pipe")?;
    let write = || -> Result<()> {
        // The bootstrap parser ends statements at the end of a line.
        input.write_all(b"CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n")?;
        for script in scripts {
            input.write_all(&fs::read(script)?)?;
        }
        Ok(())
    };
    let written = write();
    drop(input);
    ensure!(child.wait()?.success(), "{} could not make its system tables", program.display());
    written
}

fn scripts(program: &Path) -> Result<Vec<PathBuf>> {
    let program = fs::canonicalize(program)?;
    let prefix = program.ancestors().nth(2).unwrap_or(Path::new("/usr"));
    let folders = ["share/mariadb", "share/mysql", "share"].map(|folder| prefix.join(folder));
    let folders =
        folders.iter().map(PathBuf::as_path).chain([Path::new("/usr/share/mariadb"), Path::new("/usr/share/mysql")]);
    for folder in folders {
        let find = |names: &&[&str]| names.iter().map(|name| folder.join(name)).find(|file| file.exists());
        let found: Vec<PathBuf> = SCRIPTS.iter().filter_map(find).collect();
        if found.len() == SCRIPTS.len() {
            return Ok(found);
        }
    }
    bail!("{} is there, but not the scripts that make its system tables", program.display())
}

/// Waits for the greeting that a server sends to a new connection.
async fn wait_until_answering(server: &Server, port: u16) -> Result<()> {
    let deadline = Instant::now() + Duration::from_mins(1);
    while Instant::now() < deadline {
        ensure!(server.is_alive(), "the MySQL server ended during its start");
        if greets(port).await.unwrap_or(false) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.signal(Signal::SIGKILL);
    bail!("the MySQL server does not answer on port {port}")
}

async fn greets(port: u16) -> std::io::Result<bool> {
    let greeting = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let mut head = [0; 5];
        stream.read_exact(&mut head).await?;
        // Four bytes of length and sequence, then the protocol's version.
        Ok(head[4] == 10)
    };
    tokio::time::timeout(Duration::from_secs(1), greeting).await.unwrap_or(Ok(false))
}
