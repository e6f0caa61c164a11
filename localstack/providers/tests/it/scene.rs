//! Stand-ins, a client of them, and devices.

use std::{collections::BTreeMap, sync::LazyLock};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use boot::Settings;
use domain::{
    Clock, Locale, RoomId, RoomKey, Seq, SessionId, Timestamp, UserId,
    notification::{Address, Device, Preview, PushHost, Subscription},
};
use mongo::Mongo;
use providers::{Browser, Fault, Keys, Providers, Record, Refuse};
use push::{News, Notification, Outcome, Text};

pub(crate) const FCM_TOKEN: &str = "fcm-token:APA91b";
pub(crate) const APNS_TOKEN: &str = "00ff";
pub(crate) const INSTALLATION: &str = "5f0c9d1e-7a3b-4c2d-9e8f-0123456789ab";

/// Making an RSA key takes long.
pub(crate) static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::generate().unwrap());

pub(crate) struct Scene {
    pub(crate) stand_ins: Providers,
    pub(crate) client: push::Providers,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(boot::clock(), &[]).await
    }

    /// With other settings, by another clock.
    pub(crate) async fn with(clock: Clock, settings: &[(&str, &str)]) -> Self {
        let stand_ins = Providers::start(&KEYS, clock).await.unwrap();
        let client = client(&stand_ins, clock, settings, None);
        Self { stand_ins, client }
    }

    pub(crate) fn browser(&self) -> (Browser, Device) {
        let browser = self.stand_ins.browser().unwrap();
        let device = device(address_of(&browser));
        (browser, device)
    }

    /// Tells a device of a short message.
    pub(crate) async fn send(&self, device: &Device) -> Outcome {
        self.client.send(device, &message("내일 봐요")).await
    }

    /// The requests to a provider.
    pub(crate) fn sent_to(&self, provider: &str) -> Vec<Record> {
        let mut records = self.stand_ins.records(0);
        records.retain(|record| record.provider == provider);
        records
    }

    pub(crate) fn refuse(&self, target: &str, times: usize, refuse: Refuse) {
        self.stand_ins.fail(target, times, Fault::Refuse(refuse));
    }
}

pub(crate) fn client(
    stand_ins: &Providers,
    clock: Clock,
    settings: &[(&str, &str)],
    mongo: Option<&Mongo>,
) -> push::Providers {
    let mut environment: BTreeMap<String, String> = stand_ins.environment();
    environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let settings = Settings::without_secrets(environment).push().unwrap().unwrap();
    push::Providers::new(&settings, mongo, clock, boot::random()).unwrap()
}

pub(crate) fn address_of(browser: &Browser) -> Address {
    let (p256dh, auth) = (bytes(&browser.keys.p256dh), bytes(&browser.keys.auth));
    Address::Webpush(Subscription { endpoint: browser.endpoint.clone(), p256dh, auth })
}

pub(crate) fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

pub(crate) fn device(address: Address) -> Device {
    let now = boot::clock().now();
    Device {
        user: UserId(1),
        installation: INSTALLATION.parse().unwrap(),
        session: SessionId::from_bytes([7; 16]),
        address,
        locale: Locale::Ko,
        time_zone: None,
        app_version: None,
        created_at: now,
        seen_at: now,
        last_push_at: None,
        last_error: None,
    }
}

pub(crate) fn android() -> Device {
    device(Address::Fcm(FCM_TOKEN.to_owned()))
}

pub(crate) fn iphone() -> Device {
    device(Address::Apns(APNS_TOKEN.to_owned(), PushHost::Production))
}

pub(crate) fn message(text: &str) -> Notification {
    let news = News::Message {
        sender: "홍길동".to_owned(),
        group: None,
        text: Text::Plain(text.to_owned()),
        is_mention: false,
    };
    Notification {
        news,
        room: Some(RoomKey::private(RoomId(4))),
        id: Some("66f000000000000000000001".parse().unwrap()),
        seq: Some(Seq(418)),
        preview: Preview::Full,
        badge: None,
    }
}

pub(crate) fn failed(words: &str) -> Outcome {
    Outcome::Failed(words.to_owned())
}

pub(crate) fn minutes(minutes: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + minutes * 60_000)
}
