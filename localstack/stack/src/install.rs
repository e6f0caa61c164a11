//! The database servers: found on the machine, or installed.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{
    apt::{apt, has_apt},
    download,
    program::{program, version},
    progress::Progress,
};

/// The oldest supported major version of MongoDB.
const OLDEST_MONGOD: u32 = 6;

/// A MariaDB or MySQL server on the machine.
pub fn find_mysqld() -> Option<PathBuf> {
    program("mariadbd").or_else(|| program("mysqld"))
}

/// A MongoDB server on the machine that is new enough.
pub fn find_mongod() -> Option<PathBuf> {
    program("mongod").filter(|mongod| version(mongod).is_ok_and(|version| major(&version) >= Some(OLDEST_MONGOD)))
}

fn major(version: &str) -> Option<u32> {
    let number = version.split_once("db version v")?.1;
    number.split('.').next()?.parse().ok()
}

/// A MySQL server, installed if it is missing; `None` where only Docker is left.
pub(crate) async fn mysqld(progress: &Progress) -> Result<Option<PathBuf>> {
    if let Some(found) = find_mysqld() {
        return Ok(Some(found));
    }
    if !has_apt() {
        return Ok(None);
    }
    // The package of the server alone, without a service.
    apt(&["mariadb-server-core"], "there is no MySQL or MariaDB", progress).await?;
    Ok(find_mysqld())
}

/// A MongoDB server, downloaded if it is missing; `None` where only Docker is left.
pub(crate) async fn mongod(progress: &Progress) -> Result<Option<PathBuf>> {
    if let Some(found) = find_mongod() {
        return Ok(Some(found));
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Ok(None);
    }
    let mongod = download::mongod(progress).await?;
    if version(&mongod).is_err() && has_apt() {
        // The server links to libcurl and OpenSSL 3, which libcurl brings.
        apt(&["libcurl4"], "MongoDB needs libcurl", progress).await?;
    }
    version(&mongod).context("the downloaded MongoDB server does not run here")?;
    Ok(Some(mongod))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_mongod_is_read() {
        assert_eq!(major("db version v6.0.5\nBuild Info: {"), Some(6));
        assert_eq!(major("mysqld  Ver 8.4"), None);
    }
}
