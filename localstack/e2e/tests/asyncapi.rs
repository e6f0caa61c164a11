//! The document of frames is what the code says.

use serde_json::Value;
use std::{fs, path::Path};

#[test]
fn the_document_of_frames_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions/docs/asyncapi.json");
    let document = ws_send::asyncapi();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{document:#}\n")).unwrap();
    }
    let written: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(written, document, "write it anew: UPDATE_DOCS=1 cargo test -p e2e --test asyncapi");
}
