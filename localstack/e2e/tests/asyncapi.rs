//! The served AsyncAPI document is the one that the code declares. `UPDATE_DOCS=1` writes it.

use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn served_document_of_frames_is_what_the_code_declares() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions/docs/asyncapi.json");
    let document = contract::asyncapi();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{document:#}\n")).unwrap();
    }
    let written: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(written, document, "write it anew: UPDATE_DOCS=1 cargo test -p e2e --test asyncapi");
}

#[test]
fn document_of_frames_speaks_to_clients() {
    let text = contract::asyncapi().to_string().to_lowercase();
    for word in ["round trip", "mysql", "mongodb", "::"] {
        assert!(!text.contains(word), "`{word}` says nothing to a client");
    }
}

#[test]
fn every_described_action_has_a_route() {
    let document = contract::asyncapi();
    let messages = document["channels"]["chat"]["messages"].as_object().unwrap();
    let actions: BTreeSet<_> = messages.keys().filter_map(|name| name.strip_prefix("request.")).collect();

    assert_eq!(actions, ws_send::ROUTES.iter().copied().filter(|route| *route != "$default").collect());
}
