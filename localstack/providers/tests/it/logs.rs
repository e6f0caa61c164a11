//! What no log may hold.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use domain::notification::Address;
use providers::{Fault, Refuse};
use tracing_subscriber::fmt::MakeWriter;

use crate::scene::{INSTALLATION, Scene, device, iphone, message};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_token_endpoint_or_text_is_logged() {
    let lines = Lines::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(lines.clone()).finish();
    let _listening = tracing::subscriber::set_default(subscriber);
    let scene = Scene::new().await;
    let (browser, in_browser) = scene.browser();
    let android = device(Address::Fcm("canary-of-fcm".to_owned()));
    let outcomes = [
        None,
        Some(Fault::Refuse(Refuse::with(410))),
        Some(Fault::Refuse(Refuse::with(503))),
        Some(Fault::Refuse(Refuse { reason: Some("00ff-00ff".to_owned()), ..Refuse::with(403) })),
        Some(Fault::Cut),
    ];

    for fault in outcomes {
        for (device, target) in [(&android, "canary-of-fcm"), (&iphone(), "apns"), (&in_browser, browser.id.as_str())] {
            if let Some(fault) = &fault {
                scene.stand_ins.fail(target, 2, fault.clone());
            }
            scene.client.send(device, &message("canary-of-a-text")).await;
        }
    }

    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains(INSTALLATION) && logged.contains("Could not send a notification"), "{logged}");
    let keys = [&browser.id, &browser.keys.p256dh, &browser.keys.auth];
    let secrets = ["canary-of-fcm", "00ff", "canary-of-a-text", "홍길동", "Bearer", "vapid t="];
    for secret in secrets.into_iter().chain(keys.into_iter().map(String::as_str)) {
        assert!(!logged.contains(secret), "{secret}: {logged}");
    }
}
