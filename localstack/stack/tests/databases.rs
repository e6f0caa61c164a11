//! Databases keep their acknowledged writes and their addresses.

use std::{net::TcpListener, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use mongodb::{
    Client, Collection,
    bson::{Document, doc},
};
use stack::{Databases, Progress, Wanted, leftovers, stop_leftovers};

async fn start(folder: &Path) -> Result<Databases> {
    Databases::start(folder, Wanted::OneRun, &Progress::silent()).await
}

async fn notes(databases: &Databases) -> Result<Collection<Document>> {
    let url = databases.mongo_url("chat") + "&w=majority&journal=true&serverSelectionTimeoutMS=5000";
    let client = Client::with_uri_str(url).await?;
    Ok(client.default_database().context("the URL names a database")?.collection("notes"))
}

#[tokio::test]
async fn acknowledged_document_survives_a_killed_and_paused_mongod() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let databases = start(folder.path()).await?;
    let notes = notes(&databases).await?;
    notes.insert_one(doc! { "_id": 1 }).await?;
    let before = databases.mongod_pid();

    databases.kill_mongod().await;
    assert_eq!(databases.mongod_pid(), None);
    databases.restart_mongod().await?;

    assert_ne!(databases.mongod_pid(), before);
    assert_eq!(notes.count_documents(doc! {}).await?, 1);

    databases.pause_mongod().await;
    let asked = tokio::time::timeout(Duration::from_millis(200), notes.count_documents(doc! {})).await;
    assert!(asked.is_err(), "a paused server answers nothing");
    databases.resume_mongod();
    assert_eq!(notes.count_documents(doc! {}).await?, 1);
    databases.abandon().await;
    Ok(())
}

#[tokio::test]
async fn a_killed_mysql_server_comes_back_with_its_data() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let databases = start(folder.path()).await?;
    let url = databases.mysql_url("chat");
    mysql::create_database(&url).await?;

    databases.kill_mysqld().await;
    assert!(mysql::create_database(&databases.mysql_url("other")).await.is_err());
    databases.restart_mysqld().await?;

    mysql::Mysql::connect(&url, 1)?.ping().await?;
    databases.abandon().await;
    Ok(())
}

#[tokio::test]
async fn restart_finds_the_data_even_on_another_port() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let databases = start(folder.path()).await?;
    let mongo_url = databases.mongo_url("chat");
    mysql::create_database(&databases.mysql_url("chat")).await?;
    notes(&databases).await?.insert_one(doc! { "_id": 1 }).await?;
    assert!(start(folder.path()).await.is_err(), "the folder is held");
    databases.stop().await;
    let port: u16 = mongo_url.rsplit(':').next().and_then(|rest| rest.split('/').next()).context("a port")?.parse()?;
    // If it is taken already, so much the better.
    if let Ok(other) = TcpListener::bind(("127.0.0.1", port)) {
        // It closes every connection: the new server asks at its old address whether that is itself.
        std::thread::spawn(move || other.incoming().for_each(drop));
    }

    let databases = start(folder.path()).await?;

    assert_ne!(databases.mongo_url("chat"), mongo_url);
    assert_eq!(notes(&databases).await?.count_documents(doc! {}).await?, 1);
    mysql::Mysql::connect(&databases.mysql_url("chat"), 1)?.ping().await?;
    databases.abandon().await;
    Ok(())
}

#[tokio::test]
async fn leftovers_of_a_killed_run_are_stopped_and_their_data_recover() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let databases = start(folder.path()).await?;
    notes(&databases).await?.insert_one(doc! { "_id": 1 }).await?;
    let pid = databases.mongod_pid().context("it runs")?;
    let records = folder.path().join("processes");
    let running = leftovers(&records);
    assert_eq!(running.len(), 2);

    // As if this process had been killed: nobody stops them or removes their records.
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy)?;
    for name in ["mongod.json", "mysqld.json"] {
        std::fs::copy(records.join(name), copy.join(name))?;
    }
    let stopped = stop_leftovers(&copy)?;

    assert!(stopped.iter().any(|leftover| leftover.pid == pid));
    drop(databases);
    let databases = start(folder.path()).await?;
    assert_eq!(notes(&databases).await?.count_documents(doc! {}).await?, 1);
    databases.abandon().await;
    Ok(())
}

#[test]
fn compose_file_pins_whole_versions() -> Result<()> {
    let text = std::fs::read_to_string(stack::root().join("localstack/compose.yaml"))?;
    let images: Vec<_> = text.lines().filter_map(|line| line.trim().strip_prefix("image: ")).collect();
    assert!(!images.is_empty());
    for image in images {
        let version: Vec<_> = image.split_once(':').map_or("", |(_, version)| version).split('.').collect();
        assert!(version.len() == 3 && version.iter().all(|part| part.parse::<u32>().is_ok()), "{image}");
    }
    Ok(())
}

#[test]
fn compose_file_names_the_services_we_start() -> Result<()> {
    let text = std::fs::read_to_string(stack::root().join("localstack/compose.yaml"))?;
    for service in ["\n  mysql:", "\n  mongo:", "${MYSQL_PORT", "${MONGO_PORT"] {
        assert!(text.contains(service), "{service}");
    }
    Ok(())
}
