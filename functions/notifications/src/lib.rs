#![doc = include_str!("../README.md")]

mod delete_device;
mod delete_room_notifications;
mod get_notification_settings;
mod get_room_notifications;
mod get_webpush;
mod list_devices;
mod list_room_notifications;
mod put_device;
mod put_notification_settings;
mod put_room_notifications;
mod test_push;

use axum::extract::FromRef;
use boot::{BoxError, Limits, warm_up};
use credentials::AccessTokens;
use domain::{Clock, Code, Fault, Random, RoomKey, UserId, notification::Platform};
use mongo::Mongo;
use push::Hosts;
use queue::{Jobs, Sqs};
use utoipa_axum::{router::OpenApiRouter, routes};
use web::Gatekeeper;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct App {
    /// Settings and devices.
    pub mongo: Mongo,
    /// Checks access tokens.
    pub tokens: AccessTokens,
    /// How often something may be done.
    pub limits: Limits,
    /// When a device was seen.
    pub clock: Clock,
    /// Decides which reads are counted.
    pub random: Random,
    /// Where notifications are asked for; none if none are sent.
    pub jobs: Option<Jobs>,
    /// Which devices can be notified.
    pub platforms: Vec<Platform>,
    /// Where browsers may be told.
    pub hosts: Hosts,
    /// What browsers subscribe with.
    pub vapid_public_key: Option<String>,
}

impl App {
    /// Reads the settings and connects.
    pub async fn connect() -> Result<Self, BoxError> {
        let (mongo_url, aws, signing, limits, queue_url, (platforms, hosts, vapid_public_key)) =
            boot::read(|settings| {
                let push =
                    boot::values((settings.push_platforms(), settings.webpush_hosts(), settings.vapid_public_key()));
                let queue_url = settings.push_queue_url();
                (settings.mongo_url(), settings.aws(), settings.signing(), settings.limits(), queue_url, push)
            })
            .await?;
        let mongo = Mongo::connect(&mongo_url).await?;
        warm_up("open connections to MongoDB", mongo.warm_up()).await;
        let tokens =
            AccessTokens::new(signing.algorithm, &signing.key, signing.previous_key.as_deref(), signing.lifetime)?;
        let jobs = Sqs::jobs(queue_url.as_deref(), &aws);
        let (clock, random, hosts) = (boot::clock(), boot::random(), Hosts::new(&hosts));
        Ok(Self { mongo, tokens, limits, clock, random, jobs, platforms, hosts, vapid_public_key })
    }

    /// Refuses whoever is not in a room.
    async fn require_member(&self, room: RoomKey, user: UserId) -> Result<(), Fault> {
        let rights = self.mongo.rooms().find_rights(room, user).await?;
        if rights.is_some() { Ok(()) } else { Err(Code::RoomNotFound.into()) }
    }
}

impl FromRef<App> for Gatekeeper {
    fn from_ref(app: &App) -> Self {
        let App { mongo, tokens, limits, clock, random, .. } = app.clone();
        Self { tokens, mongo, clock, limits, random }
    }
}

/// The routes of this function and their documentation.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(web::openapi())
        .routes(routes!(
            get_notification_settings::get_notification_settings,
            put_notification_settings::put_notification_settings
        ))
        .routes(routes!(list_room_notifications::list_room_notifications))
        .routes(routes!(
            get_room_notifications::get_room_notifications,
            put_room_notifications::put_room_notifications,
            delete_room_notifications::delete_room_notifications
        ))
        .routes(routes!(list_devices::list_devices))
        .routes(routes!(put_device::put_device, delete_device::delete_device))
        .routes(routes!(get_webpush::get_webpush))
        .routes(routes!(test_push::test_push))
}
