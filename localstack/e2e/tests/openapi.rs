//! The document that `docs` serves is what the functions declare. `UPDATE_DOCS=1` writes it.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};
use std::{env, fs};
use utoipa::openapi::{Info, License, OpenApi};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions/docs/openapi.json");

/// Everything that the functions declare, under one title.
fn document() -> Result<Value> {
    let mut whole = OpenApi::new(info(), utoipa::openapi::Paths::new());
    for part in [auth::openapi(), chat_rooms::openapi(), messages::openapi(), health::openapi(), docs::openapi()] {
        whole.merge(part);
    }
    let mut whole = serde_json::to_value(whole)?;
    whole["servers"] = json!([{"url": "/", "description": "Where this document came from."}]);
    whole["tags"] = json!([
        {"name": "auth", "description": "Accounts and their tokens."},
        {"name": "chat-rooms", "description": "Rooms of two people."},
        {"name": "messages", "description": "Messages of a room, over HTTP; the WebSocket is in `/asyncapi.json`."},
        {"name": "health", "description": "Alive and ready."},
        {"name": "docs", "description": "These documents."},
    ]);
    // What takes a bearer token takes one from Authorize's form too.
    whole["components"]["securitySchemes"]["password"] =
        json!({"type": "oauth2", "flows": {"password": {"tokenUrl": "/auth/login", "scopes": {}}}});
    for (_, operation) in operations(&mut whole)? {
        if operation["security"] == json!([{"bearer": []}]) {
            operation["security"] = json!([{"bearer": []}, {"password": []}]);
        }
    }
    Ok(whole)
}

fn info() -> Info {
    let mut info = Info::new("BigTech Chat", "1.0.0");
    let mut license = License::new("MIT");
    license.identifier = Some("MIT".to_owned());
    info.description = Some(
        "A chat between people. Refusals are problem documents (RFC 9457) with a stable `code`; their `detail` follows \
         `Accept-Language` (ko, en). Times are RFC 3339 in UTC."
            .to_owned(),
    );
    info.license = Some(license);
    info
}

/// Every operation, under its method and path.
fn operations(document: &mut Value) -> Result<Vec<(String, &mut Value)>> {
    let paths = document["paths"].as_object_mut().context("no paths")?;
    Ok(paths
        .iter_mut()
        .filter_map(|(path, item)| Some((path, item.as_object_mut()?)))
        .flat_map(|(path, item): (&String, &mut Map<String, Value>)| {
            item.iter_mut().map(move |(method, operation)| (format!("{method} {path}"), operation))
        })
        .collect())
}

#[test]
fn the_served_document_is_what_the_functions_declare() -> Result<()> {
    let declared = serde_json::to_string_pretty(&document()?)? + "\n";
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(FILE, &declared)?;
        return Ok(());
    }
    let served: Value = serde_json::from_str(docs::OPENAPI)?;
    ensure!(served == document()?, "openapi.json is old: run this test with UPDATE_DOCS=1 and build again");
    Ok(())
}

#[test]
fn every_operation_says_what_clients_need_to_know() -> Result<()> {
    let mut document = document()?;
    let mut names = Vec::new();
    for (place, operation) in operations(&mut document)? {
        let name = operation["operationId"].as_str().with_context(|| format!("{place} has no operationId"))?;
        ensure!(
            name.contains('_') && !names.contains(&name.to_owned()),
            "{place}: {name} is not <verb>_<noun>, or not alone"
        );
        for part in ["summary", "tags", "security", "responses"] {
            ensure!(!operation[part].is_null(), "{place} has no {part}");
        }
        let protected = operation["security"] != json!([{}]);
        ensure!(
            protected == operation["responses"]["401"].is_object() || place == "post /auth/login",
            "{place}: 401 and security disagree"
        );
        names.push(name.to_owned());
    }
    Ok(())
}
