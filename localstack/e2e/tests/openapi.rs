//! The document that `docs` serves is what the functions declare. `UPDATE_DOCS=1` writes it.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};
use std::{env, fs};
use utoipa::openapi::{Info, License, OpenApi};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions/docs/openapi.json");

/// Everything that the functions declare, under one title.
fn document() -> Result<Value> {
    let mut whole = OpenApi::new(info(), utoipa::openapi::Paths::new());
    for part in [
        auth::openapi(),
        users::openapi(),
        friends::openapi(),
        blocks::openapi(),
        chat_rooms::openapi(),
        messages::openapi(),
        health::openapi(),
        docs::openapi(),
    ] {
        whole.merge(part);
    }
    let mut whole = serde_json::to_value(whole)?;
    whole["servers"] = json!([{"url": "/", "description": "Where this document came from."}]);
    whole["tags"] = json!([
        {"name": "auth", "description": "Accounts and their tokens."},
        {"name": "users", "description": "Profiles, and how people are found."},
        {"name": "friends", "description": "Friends and requests."},
        {"name": "blocks", "description": "Whom people do not want to hear from."},
        {"name": "chat-rooms", "description": "Rooms of two people."},
        {"name": "messages", "description": "Messages of a room, over HTTP; the WebSocket is in `/asyncapi.json`."},
        {"name": "health", "description": "Alive and ready."},
        {"name": "docs", "description": "This document, and pages to read and try it."},
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
            protected == operation["responses"]["401"].is_object()
                || ["post /auth/login", "post /auth/refresh"].contains(&place.as_str()),
            "{place}: 401 and security disagree"
        );
        names.push(name.to_owned());
    }
    Ok(())
}

#[test]
fn every_operation_shows_what_is_sent_and_what_comes_back() -> Result<()> {
    let mut document = document()?;
    let schemas = document["components"]["schemas"].clone();
    let mut bare = Vec::new();
    for (place, operation) in operations(&mut document)? {
        let mut bodies = vec![("request".to_owned(), &operation["requestBody"])];
        let responses = operation["responses"].as_object().with_context(|| format!("{place} has no responses"))?;
        bodies.extend(responses.iter().map(|(status, response)| (status.clone(), response)));
        for (what, body) in bodies {
            let contents = body["content"].as_object().into_iter().flatten();
            for (media, content) in contents.filter(|(media, _)| media.contains("json")) {
                let shown = !content["example"].is_null() || !content["examples"].is_null();
                if !shown && !has_example(&content["schema"], &schemas) {
                    bare.push(format!("{place}: {what} ({media})"));
                }
            }
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["required"] == true && parameter["example"].is_null() {
                bare.push(format!("{place}: parameter {}", parameter["name"]));
            }
        }
    }
    ensure!(bare.is_empty(), "without an example: {bare:#?}");
    Ok(())
}

/// Whether a reader, or a page that makes examples of schemas, sees what a value looks like.
fn has_example(schema: &Value, schemas: &Value) -> bool {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return has_example(&schemas[name], schemas);
    }
    let each = |name: &str| schema[name].as_array().into_iter().flatten();
    let speaks_for_itself = ["example", "examples", "enum", "const"].iter().any(|name| !schema[*name].is_null())
        || schema["type"] == "boolean"
        || schema["format"] == "date-time";
    speaks_for_itself
        || schema["properties"].as_object().is_some_and(|it| it.values().all(|property| has_example(property, schemas)))
        || schema["type"] == "array" && has_example(&schema["items"], schemas)
        || each("oneOf").chain(each("allOf")).any(|one| has_example(one, schemas))
}
