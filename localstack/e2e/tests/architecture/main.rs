//! The structure of the workspace: allowed dependencies, sole owners, and the template's routes.

mod tables;
mod template;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use e2e::{group_rights, http_functions};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};
use tables::{LOCAL_EDGES, OWNERS, TEST_SUPPORT, TESTKIT, edges, rows};

#[test]
fn crates_use_only_allowed_crates() -> Result<()> {
    let workspace = Workspace::read()?;
    let mut wrong = Vec::new();
    for package in workspace.packages() {
        for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
            let supports_tests =
                dependency.kind == DependencyKind::Development && TEST_SUPPORT.contains(&dependency.name.as_str());
            if !supports_tests && !workspace.may_use(package, &dependency.name)? {
                wrong.push(format!("`{}` uses `{}`", package.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[test]
fn every_crate_has_a_row_and_every_row_a_crate() -> Result<()> {
    let workspace = Workspace::read()?;
    let rows: BTreeSet<&str> =
        edges().into_iter().chain(rows(LOCAL_EDGES)).map(|(name, _)| name).chain([TESTKIT]).collect();
    let crates: BTreeSet<&str> = workspace.packages().map(|package| package.name.as_str()).collect();
    assert_eq!(rows, crates);
    Ok(())
}

#[test]
fn a_heavy_crate_has_one_owner() -> Result<()> {
    let workspace = Workspace::read()?;
    // `backend` is the state of routers.
    let functions = http_functions().into_iter().map(|function| function.name);
    let routers: Vec<_> = functions.chain(["backend", "web"]).collect();
    let mut wrong = Vec::new();
    for package in workspace.packages().filter(|package| package.name != TESTKIT) {
        let is_local = is_local(package)?;
        for dependency in &package.dependencies {
            // Tests of a local stand-in use the real client, and tests of the message path look into the store.
            let is_tested_by = is_local || dependency.name == "mongodb";
            if is_tested_by && dependency.kind == DependencyKind::Development {
                continue;
            }
            let row = OWNERS.iter().find(|(name, _)| *name == dependency.name);
            let may_route = row.is_none() && (dependency.name != "axum" || routers.contains(&package.name.as_str()));
            if !may_route && !row.is_some_and(|(_, owners)| owners.contains(&package.name.as_str())) {
                wrong.push(format!("`{}` names `{}`", package.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[test]
fn lints_versions_and_package_fields_come_from_the_workspace() -> Result<()> {
    let workspace = Workspace::read()?;
    let mut wrong = Vec::new();
    for package in workspace.packages() {
        let manifest: toml::Table = fs::read_to_string(&package.manifest_path)?.parse()?;
        if !is_inherited(manifest.get("lints")) {
            wrong.push(format!("`{}` has lints of its own", package.name));
        }
        for field in ["version", "edition", "rust-version", "license", "publish"] {
            if !is_inherited(manifest["package"].get(field)) {
                wrong.push(format!("`{}` has its own `{field}`", package.name));
            }
        }
        for (name, dependency) in dependency_tables(&manifest).flatten() {
            if !is_inherited(Some(dependency)) {
                wrong.push(format!("`{}` has its own version of `{name}`", package.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[test]
fn crates_are_named_like_their_folder_and_documented_by_readme() -> Result<()> {
    let workspace = Workspace::read()?;
    let mut wrong = Vec::new();
    for package in workspace.packages() {
        let folder = folder(package)?;
        if !folder.ends_with(package.name.as_str()) {
            wrong.push(format!("`{}` lies in {}", package.name, folder.display()));
        }
        if !folder.join("README.md").is_file() {
            wrong.push(format!("`{}` has no README.md", package.name));
        }
        let root = ["src/lib.rs", "src/main.rs"].iter().find_map(|file| fs::read_to_string(folder.join(file)).ok());
        if !root.is_some_and(|root| root.contains("#![doc = include_str!(\"../README.md\")]")) {
            wrong.push(format!("`{}` does not show its README.md", package.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[test]
fn architecture_shows_who_may_do_what_in_a_group() -> Result<()> {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md"))?;
    assert!(page.contains(&group_rights()), "ARCHITECTURE.md needs this table:\n\n{}", group_rights());
    Ok(())
}

struct Workspace(Metadata);

impl Workspace {
    fn read() -> Result<Self> {
        Ok(Self(MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec()?))
    }

    fn packages(&self) -> impl Iterator<Item = &Package> {
        self.0.packages.iter()
    }

    fn may_use(&self, package: &Package, other: &str) -> Result<bool> {
        let found = self.packages().find(|package| package.name == other);
        let other_is_local = is_local(found.with_context(|| format!("`{other}` is no member"))?)?;
        let is_local = is_local(package)?;
        if package.name == TESTKIT || (is_local && !other_is_local) {
            return Ok(true);
        }
        let table: Vec<_> = if is_local { rows(LOCAL_EDGES).collect() } else { edges() };
        let row = table.iter().find(|(name, _)| package.name == *name);
        Ok(row.is_some_and(|(_, edges)| edges.contains(&other)))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn folder(package: &Package) -> Result<&Path> {
    package.manifest_path.as_std_path().parent().context("a manifest lies in a folder")
}

fn is_local(package: &Package) -> Result<bool> {
    Ok(folder(package)?.canonicalize()?.starts_with(root().join("localstack").canonicalize()?))
}

fn is_inherited(value: Option<&toml::Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(toml::Value::as_bool).unwrap_or(false)
}

/// Every dependency table of a manifest, those of platforms too.
fn dependency_tables(manifest: &toml::Table) -> impl Iterator<Item = &toml::Table> {
    let platforms = manifest.get("target").and_then(toml::Value::as_table).into_iter();
    let platforms = platforms.flat_map(|table| table.values().filter_map(toml::Value::as_table));
    platforms.chain([manifest]).flat_map(|table| {
        let kinds = ["dependencies", "dev-dependencies", "build-dependencies"].into_iter();
        kinds.filter_map(|kind| table.get(kind).and_then(toml::Value::as_table))
    })
}
