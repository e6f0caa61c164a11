//! The served OpenAPI document is the one that the functions declare. `UPDATE_DOCS=1` writes it.

use anyhow::{Context as _, Result, ensure};
use e2e::{HttpFunction, http_functions};
use serde_json::{Map, Value, json};
use std::{env, fs};
use utoipa::openapi::{Info, License, OpenApi};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions/docs/openapi.json");

/// The declarations of all functions in one document.
fn document() -> Result<Value> {
    let mut whole = OpenApi::new(info(), utoipa::openapi::Paths::new());
    let mut tags = Vec::new();
    for HttpFunction { name, about, openapi, .. } in http_functions() {
        tags.push(json!({ "name": name, "description": about }));
        whole.merge(openapi);
    }
    let mut whole = serde_json::to_value(whole)?;
    whole["servers"] = json!([{"url": "/", "description": "The host of this document."}]);
    whole["tags"] = tags.into();
    // Routes with a bearer token also accept the one of Swagger's Authorize form.
    whole["components"]["securitySchemes"]["password"] =
        json!({"type": "oauth2", "flows": {"password": {"tokenUrl": "/auth/login", "scopes": {}}}});
    let names = ["RateLimit", "RateLimit-Policy"];
    whole["components"]["headers"] = json!({
        "RateLimit": header(
            "What is left of each limit that counted for this request: `r` requests now, one more in at most `t` seconds. Most \
             reads are not counted one by one, so `r` may stay the same over several of them.",
            r#""changes";r=59;t=1"#,
        ),
        "RateLimit-Policy": header(
            "The limits that counted for this request: `q` requests at once, and as many again within `w` seconds.",
            r#""changes";q=60;w=60"#,
        ),
    });
    for (_, operation) in operations(&mut whole)? {
        let responses = operation["responses"].as_object_mut().context("no responses")?;
        if responses.contains_key("429") {
            for (_, response) in responses.iter_mut().filter(|(status, _)| status.starts_with('2') || *status == "429")
            {
                for name in names {
                    response["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
                }
            }
        }
        if operation["security"] == json!([{"bearer": []}]) {
            operation["security"] = json!([{"bearer": []}, {"password": []}]);
        }
    }
    Ok(whole)
}

/// A header of draft-ietf-httpapi-ratelimit-headers.
fn header(description: &str, example: &str) -> Value {
    json!({ "description": description, "schema": { "type": "string" }, "example": example })
}

fn info() -> Info {
    let mut info = Info::new("BigTech Chat", "1.0.0");
    let mut license = License::new("MIT");
    license.identifier = Some("MIT".to_owned());
    info.description = Some(
        "A real-time chat. A refused request is answered with a problem document (RFC 9457): its `code` is stable, its \
         `detail` follows `Accept-Language` (ko, en). Where requests are limited, `RateLimit-Policy` and `RateLimit` say how much and \
         what is left; beyond it the answer is 429 with `Retry-After`. Each GET route answers HEAD too: the same status and headers, no body."
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
fn document_speaks_to_clients() -> Result<()> {
    // A field of the readiness checks has this name.
    let text = document()?.to_string().to_lowercase().replace("\"mysql\"", "");
    for word in ["round trip", "mysql", "mongodb", "::"] {
        ensure!(!text.contains(word), "`{word}` says nothing to a client");
    }
    Ok(())
}

#[test]
fn every_reference_of_the_document_leads_somewhere() -> Result<()> {
    let document = document()?;
    let text = document.to_string();
    for name in text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        ensure!(document["components"]["schemas"][name].is_object(), "no schema {name}");
    }
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
fn every_operation_has_request_and_response_examples() -> Result<()> {
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

/// Whether the schema has an example, a format or an enum that shows what a value looks like.
fn has_example(schema: &Value, schemas: &Value) -> bool {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return has_example(&schemas[name], schemas);
    }
    let each = |name: &str| schema[name].as_array().into_iter().flatten();
    let speaks_for_itself = ["example", "examples", "enum", "const"].iter().any(|name| !schema[*name].is_null())
        || schema["type"] == "boolean"
        || each("type").any(|kind| kind == "boolean")
        || schema["format"] == "date-time";
    speaks_for_itself
        || schema["properties"].as_object().is_some_and(|it| it.values().all(|property| has_example(property, schemas)))
        || schema["type"] == "array" && has_example(&schema["items"], schemas)
        || each("oneOf").chain(each("allOf")).any(|one| has_example(one, schemas))
}
