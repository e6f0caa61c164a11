//! Ctrl-C and SIGTERM: the first stops in order, the second at once.

use std::process::exit;

use anyhow::Result;
use stack::{all_records, local, records_of, stop_leftovers};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// The exit code of a program that Ctrl-C ended.
pub(crate) const INTERRUPTED: u8 = 130;

/// Whether this process was asked to stop.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Listens from now on. The second signal kills the servers of this process and ends it.
    pub(crate) fn listen() -> Result<Self> {
        let (sender, receiver) = watch::channel(false);
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if sender.send_replace(true) {
                    eprintln!("\nkilled");
                    kill_ours();
                    exit(INTERRUPTED.into());
                }
                eprintln!("\nstopping; press Ctrl-C again to force it");
            }
        });
        Ok(Self(receiver))
    }

    /// Returns when this process is asked to stop.
    pub(crate) async fn asked(&mut self) {
        // The sender lives as long as the runtime.
        let _ = self.0.wait_for(|asked| *asked).await;
    }
}

/// Kills the servers of this process, since exiting skips their destructors.
fn kill_ours() {
    let run = records_of(&local().join(format!("test-{}", std::process::id())));
    let ours = all_records(&local()).into_iter().filter(|records| {
        run.contains(records) || (records.starts_with(local().join("databases")) && crate::running::is_ours())
    });
    for records in ours {
        let _ = stop_leftovers(&records);
    }
}
