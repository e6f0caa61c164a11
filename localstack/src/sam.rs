//! What `sam local` needs of a running stack.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Result;
use stack::{Stack, write_atomically};

/// Where containers of Docker's default bridge reach this machine.
pub(crate) const DOCKER_BRIDGE: &str = "172.17.0.1";

/// How to use it.
pub(crate) const EXAMPLE: &str = "\
A function in a container, after `sam build` (Docker is needed):

  sam local invoke AuthFunction --env-vars .local/sam-env.json --event localstack/events/auth.json
";

/// Writes the variables of functions in containers, or removes the file where the stack doesn't listen for them.
pub(crate) fn announce(stack: &Stack, file: &Path) -> Result<()> {
    let Some(environment) = stack.container_environment() else {
        let _ = fs::remove_file(file);
        return Ok(());
    };
    let variables: BTreeMap<_, _> = [("Parameters", environment)].into();
    write_atomically(file, &serde_json::to_string_pretty(&variables)?)
}
