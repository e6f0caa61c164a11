//! A gateway in a process of its own, for the test that kills it: prints the id of a function's process and waits.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use gateway::{Config, Gateway, Limits};
use serde_json::json;
use template::Template;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let template = arguments.next().context("the template is missing")?;
    let binary = arguments.next().context("the binary is missing")?;
    let binaries = tempfile::tempdir()?;
    for function in Template::load(&template, &BTreeMap::new())?.functions {
        std::os::unix::fs::symlink(&binary, binaries.path().join(function.name))?;
    }
    let config = Config {
        template,
        parameters: BTreeMap::new(),
        binaries: binaries.path().to_owned(),
        old_binaries: None,
        environment: Box::new(|_| BTreeMap::from([("MONGO_URL".to_owned(), String::new())])),
        secrets: BTreeMap::new(),
        localstack: None,
        objects: binaries.path().join("objects"),
        mails: None,
        http_port: 0,
        ws_port: 0,
        limits: Limits::default(),
        logs: Arc::new(|_, _| {}),
        cpu_shares: None,
    };
    let gateway = Gateway::start(config).await?;
    gateway.invoke("echo", json!({})).await?;
    println!("{}", gateway.pids()[0]);
    std::future::pending().await
}
