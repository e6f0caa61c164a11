//! Databases of our own: they keep what they acknowledged, and their place.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use mongodb::bson::{Document, doc};
use mongodb::{Client, Collection};
use stack::{Databases, Progress, leftovers, stop_leftovers};

async fn start(folder: &Path) -> Result<Databases> {
    Databases::start(folder, &Progress::silent()).await
}

async fn notes(databases: &Databases) -> Result<Collection<Document>> {
    let url = databases.mongo_url("chat") + "&w=majority&journal=true&serverSelectionTimeoutMS=5000";
    let client = Client::with_uri_str(url).await?;
    Ok(client.default_database().context("the URL names a database")?.collection("notes"))
}

#[tokio::test]
async fn an_acknowledged_document_survives_mongod_being_killed_and_paused() -> Result<()> {
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

    databases.pause_mongod();
    let asked = tokio::time::timeout(Duration::from_millis(200), notes.count_documents(doc! {})).await;
    assert!(asked.is_err(), "a paused server answers nothing");
    databases.resume_mongod();
    assert_eq!(notes.count_documents(doc! {}).await?, 1);
    databases.abandon().await;
    Ok(())
}

#[tokio::test]
async fn a_second_start_finds_the_data_of_the_first_even_on_another_port() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let databases = start(folder.path()).await?;
    let (mysql_url, mongo_url) = (databases.mysql_url("chat"), databases.mongo_url("chat"));
    mysql::create_database(&mysql_url).await?;
    notes(&databases).await?.insert_one(doc! { "_id": 1 }).await?;
    assert!(start(folder.path()).await.is_err(), "the folder is held");
    databases.stop().await;
    let port: u16 = mongo_url.rsplit(':').next().and_then(|rest| rest.split('/').next()).context("a port")?.parse()?;
    let stranger = TcpListener::bind(("127.0.0.1", port))?;
    // It hangs up on everybody: the new server asks at its old address whether that is itself.
    std::thread::spawn(move || stranger.incoming().for_each(drop));

    let databases = start(folder.path()).await?;

    assert_eq!(databases.mysql_url("chat"), mysql_url);
    assert_ne!(databases.mongo_url("chat"), mongo_url);
    assert_eq!(notes(&databases).await?.count_documents(doc! {}).await?, 1);
    mysql::Mysql::connect(&mysql_url, 1)?.ping().await?;
    databases.abandon().await;
    Ok(())
}

#[tokio::test]
async fn what_a_killed_run_left_behind_is_stopped_and_its_data_recover() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let databases = start(folder.path()).await?;
    notes(&databases).await?.insert_one(doc! { "_id": 1 }).await?;
    let pid = databases.mongod_pid().context("it runs")?;
    let records = folder.path().join("processes");
    let running = leftovers(&records);
    assert_eq!(running.len(), 2);

    // As if we had been killed: nobody stops them or removes their records.
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
fn the_compose_file_names_the_services_that_we_ask_for() -> Result<()> {
    let text = std::fs::read_to_string(stack::root().join("localstack/compose.yaml"))?;
    for service in ["\n  mysql:", "\n  mongo:", "${MYSQL_PORT", "${MONGO_PORT"] {
        assert!(text.contains(service), "{service}");
    }
    Ok(())
}
