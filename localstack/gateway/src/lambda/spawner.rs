//! One thread that starts every process.
//!
//! `setpriv --pdeathsig` binds a child to the *thread* that made it. This thread lives as long as the gateway, so the
//! children get SIGKILL when the gateway goes, even if its own process was killed, and never earlier.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
};

use tokio::{
    process::{Child, Command},
    runtime::Handle,
    sync::{mpsc, oneshot},
};

struct Order {
    command: Command,
    answer: oneshot::Sender<io::Result<Child>>,
}

/// A handle on the thread, which ends when the last handle is dropped.
#[derive(Clone, Debug)]
pub(super) struct Spawner {
    orders: mpsc::UnboundedSender<Order>,
    setpriv: Option<PathBuf>,
}

impl Spawner {
    /// Starts the thread. Must be called inside a tokio runtime.
    pub(super) fn start() -> io::Result<Self> {
        let (orders, mut inbox) = mpsc::unbounded_channel::<Order>();
        let runtime = Handle::current();
        thread::Builder::new().name("spawner".to_owned()).spawn(move || {
            let _entered = runtime.enter();
            while let Some(mut order) = inbox.blocking_recv() {
                // If nobody waits any more, the child is killed when it is dropped.
                let _ = order.answer.send(order.command.spawn());
            }
        })?;
        Ok(Self { orders, setpriv: find("setpriv") })
    }

    /// Starts a program with only these variables, no input, and a process group of its own.
    pub(super) async fn spawn(
        &self,
        program: &Path,
        folder: &Path,
        environment: impl IntoIterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>,
    ) -> io::Result<Child> {
        let mut command = match &self.setpriv {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command
            .env_clear()
            .envs(environment)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let (answer, child) = oneshot::channel();
        let gone = || io::Error::other("the gateway is stopping");
        self.orders.send(Order { command, answer }).map_err(|_| gone())?;
        child.await.map_err(|_| gone())?
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}
