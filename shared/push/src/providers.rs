use crate::{
    BadSecret, Hosts, Notification, Outcome, PushSecret, Target, apns::Apns, fcm::Fcm, health::Health, http::Http,
    unknown::Unknown, webpush::WebPush, words::Words,
};
use boot::PushSettings;
use domain::{
    Clock, Fault, Random,
    notification::{Address, Device, Platform, Preview},
};
use mongo::Mongo;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

/// The services that bring notifications, those of them for which there are credentials.
#[derive(Debug)]
pub struct Providers {
    fcm: Option<Fcm>,
    apns: Option<Apns>,
    webpush: Option<WebPush>,
    http: Http,
    health: Health,
    unknown: Unknown,
    mongo: Option<Mongo>,
    clock: Clock,
    app_name: String,
    preview: Preview,
    hosts: Hosts,
}

impl Providers {
    /// Prepares the clients; nothing is connected before the first notification. Tokens are shared through the store, if there is
    /// one.
    pub fn new(
        settings: &PushSettings,
        mongo: Option<&Mongo>,
        clock: Clock,
        random: Random,
    ) -> Result<Self, BadSecret> {
        let PushSecret { fcm, apns, vapid } = PushSecret::parse(&settings.secret)?;
        let urls = &settings.urls;
        let fcm =
            fcm.map(|fcm| Fcm::new(fcm, urls.fcm.as_deref(), urls.google_token.as_deref(), mongo.cloned(), clock));
        let apns =
            apns.map(|apns| Apns::new(apns, urls.apns.as_deref(), urls.apns_sandbox.as_deref(), mongo.cloned(), clock));
        Ok(Self {
            fcm,
            apns,
            webpush: vapid.map(|vapid| WebPush::new(vapid, clock, random)),
            http: Http::new(),
            health: Health::default(),
            unknown: Unknown::default(),
            mongo: mongo.cloned(),
            clock,
            app_name: settings.app_name.clone(),
            preview: settings.preview,
            hosts: Hosts::new(&settings.webpush_hosts),
        })
    }

    /// Begins an invocation: services that were left alone in the last one are asked again.
    pub fn begin(&self) {
        self.health.begin();
    }

    /// Tells a device, within some 15 s. How many are told at once is the caller's choice; repeated, the notification replaces
    /// itself.
    pub async fn send(&self, device: &Device, notification: &Notification) -> Outcome {
        let outcome = match Target::of(&device.address, &self.hosts) {
            Ok(target) => self.ask(device, &target, notification).await,
            Err(why) => Outcome::Failed(why.to_string()),
        };
        log(device, notification, &outcome);
        outcome
    }

    /// Ends an invocation: adds what the services answered in it to what all environments were answered, by one write, and tells which
    /// of them know too few devices, here in the last hour or everywhere in this one or the one before: then the fault may be ours, and
    /// no device of theirs goes. What was answered an hour before is only looked up where devices are to go.
    pub async fn count_answers(&self, are_any_gone: bool) -> Result<Vec<Platform>, Fault> {
        let (now, uncounted) = (self.clock.now(), self.unknown.take_uncounted());
        let mut all = Vec::new();
        if let (Some(mongo), false) = (&self.mongo, uncounted.is_empty()) {
            match mongo.push_answers().add(now, &uncounted).await {
                Ok(answers) => all.extend(answers),
                Err(fault) => {
                    self.unknown.give_back(uncounted);
                    return Err(fault);
                }
            }
        }
        if let (Some(mongo), true) = (&self.mongo, are_any_gone) {
            all.extend(mongo.push_answers().find(now.minus(HOUR)).await?);
        }
        let too_few = all.into_iter().filter(|(_, answers)| answers.know_too_few()).map(|(service, _)| service);
        let here = [Platform::Fcm, Platform::Apns, Platform::Webpush];
        Ok(too_few.chain(here.into_iter().filter(|service| self.unknown.are_too_many(*service, now))).collect())
    }

    /// Asks the service, unless it is left alone.
    async fn ask(&self, device: &Device, target: &Target, notification: &Notification) -> Outcome {
        let service = service(target);
        if self.health.is_left(&service) {
            return Outcome::Again(None);
        }
        let words = Words::new(notification, device.locale, self.preview, &self.app_name);
        let outcome = self.call(device, target, notification, words.as_ref()).await;
        let is_away = matches!(outcome, Outcome::Again(_));
        if !is_away {
            self.unknown.note(device.address.platform(), outcome == Outcome::DeviceGone, self.clock.now());
        }
        // That one address is refused says nothing of the service.
        if self.health.note(&service, is_away) {
            tracing::error!(platform = platform(device), "Left a push service alone for this invocation");
        }
        outcome
    }

    async fn call(
        &self,
        device: &Device,
        target: &Target,
        notification: &Notification,
        words: Option<&Words>,
    ) -> Outcome {
        match (target, &self.fcm, &self.apns, &self.webpush) {
            (Target::Fcm(token), Some(fcm), ..) => fcm.send(&self.http, token, notification, words).await,
            (Target::Apns(token, host), _, Some(apns), _) => {
                apns.send(&self.http, (token, *host), device.seen_at, notification, words).await
            }
            (Target::WebPush(to), .., Some(webpush)) => webpush.send(&self.http, to, notification, words).await,
            _ => Outcome::Failed(format!("{} not configured", platform(device))),
        }
    }
}

fn platform(device: &Device) -> &'static str {
    device.address.platform().as_str()
}

/// What fails together. Browsers have many services.
fn service(target: &Target) -> String {
    match target {
        Target::Fcm(_) => "fcm".to_owned(),
        Target::Apns(..) => "apns".to_owned(),
        Target::WebPush(to) => to.endpoint.origin(),
    }
}

fn log(device: &Device, notification: &Notification, outcome: &Outcome) {
    let (id, platform, kind) = (device.installation.as_str(), platform(device), notification.news.kind());
    match outcome {
        Outcome::Delivered => tracing::debug!(device.id = id, platform, kind, "Sent a notification"),
        Outcome::DeviceGone => tracing::info!(device.id = id, platform, kind, "Found that a device is gone"),
        Outcome::Again(_) => tracing::warn!(device.id = id, platform, kind, "Could not send a notification yet"),
        // Whoever registers a browser names its address.
        Outcome::Failed(why) if matches!(device.address, Address::Webpush(_)) => {
            tracing::warn!(device.id = id, platform, kind, "Could not send a notification: {why}");
        }
        Outcome::Failed(why) => tracing::error!(device.id = id, platform, kind, "Could not send a notification: {why}"),
    }
}
