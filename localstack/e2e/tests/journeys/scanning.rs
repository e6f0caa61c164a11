//! Files in a stack that scans them for malware.

use crate::files::{NOTES, PHOTO};
use client::{File, file_message};
use e2e::journey_in;
use gateway::{Delay, EICAR, Rules, Span};
use serde_json::json;
use stack::Options;

#[test]
fn malware_is_refused_and_everything_else_becomes_ready() {
    let mut options = Options::for_test().without_limits();
    options.environment.insert("MALWARE_SCAN".to_owned(), "guardduty".to_owned());

    journey_in(options, async |stack| {
        let (minji, _, room) = stack.pair().await;
        let socket = minji.socket().await;
        let threat = EICAR.concat();
        let infected =
            File { kind: "file", name: "setup.com", media_type: "application/octet-stream", bytes: threat.as_bytes() };

        let shown = minji.api.try_upload(&infected).await;
        assert_eq!((&shown["state"], &shown["reason"]), (&json!("rejected"), &json!("malware")));
        let told = socket.push_where(|frame| frame["t"] == "upload.rejected").await;
        assert_eq!((&told["d"]["id"], &told["d"]["reason"]), (&shown["id"], &json!("malware")));
        let upload = shown["id"].as_str().expect("an id");
        let refused = minji.api.post("/messages", &file_message(room, "file", &[upload])).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        for file in [&NOTES, &PHOTO] {
            assert_eq!(minji.api.try_upload(file).await["state"], "ready");
        }

        // Events that come twice and overtake each other change nothing.
        let delay = Delay::always(Span::millis(0..=300));
        stack.faults().function("inspect", Rules { duplicate: 1.0, delay, ..Rules::default() });
        for _ in 0..5 {
            assert_eq!(minji.api.try_upload(&NOTES).await["state"], "ready");
            assert_eq!(minji.api.try_upload(&infected).await["reason"], "malware");
        }
        stack.faults().clear();
    });
}
