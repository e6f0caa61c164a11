//! How many messages of Web Push one thread encrypts in a second: `cargo run --release -p push --example encryptions`.
#![expect(clippy::disallowed_methods, reason = "a measurement looks at the clock")]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::notification::{Address, Subscription};
use push::{Hosts, Target};
use std::{
    error::Error,
    time::{Duration, Instant},
};

/// As long as most messages.
const MESSAGE: [u8; 300] = [b'a'; 300];

/// How long is measured.
const TIME: Duration = Duration::from_secs(3);

fn main() -> Result<(), Box<dyn Error>> {
    // The browser of RFC 8291, appendix A.
    let decoded = |text| URL_SAFE_NO_PAD.decode(text);
    let address = Address::Webpush(Subscription {
        endpoint: "https://push.example.com/1".to_owned(),
        p256dh: decoded("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4")?,
        auth: decoded("BTBZMqHH6r4Tts7J_aSIgg")?,
    });
    let Target::WebPush(browser) = Target::of(&address, &Hosts::new(&["push.example.com".to_owned()]))? else {
        return Err("no browser".into());
    };
    let (begun, mut messages) = (Instant::now(), 0_u32);
    while begun.elapsed() < TIME {
        browser.encrypt(&MESSAGE, boot::random())?;
        messages += 1;
    }
    println!("{:.0} messages a second", f64::from(messages) / begun.elapsed().as_secs_f64());
    Ok(())
}
