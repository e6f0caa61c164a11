use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Fault, Invalid, Locale, RoomId, RoomKey, RoomKind, Timestamp, fields,
    notification::{
        Address, Days, Device, Installation, Level, NotificationSettings, Platform, Preview, PushHost, QuietHours,
        RoomSettings, Subscription, TimeOfDay, TimeZone, UnreadTotal,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest version of an app.
const LONGEST_VERSION: usize = 64;

/// What the caller is notified of.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationSettingsView {
    /// Which messages of rooms of up to 100 members.
    pub level: Level,
    /// Which messages of larger rooms.
    pub large_room_level: Level,
    /// How much a notification shows. The service may show less.
    pub preview: Preview,
    /// The time until which nothing rings; null if nothing is paused.
    #[schema(required = true)]
    pub paused_until: Option<Timestamp>,
    /// The hours in which nothing rings; null if there are none.
    #[schema(required = true)]
    pub quiet: Option<QuietHoursView>,
    /// Whether friend requests ring.
    pub friend_requests: bool,
    /// Whether `@channel` counts as a mention of the caller.
    pub wide: bool,
}

/// Hours in which nothing rings, by the clock on the wall.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuietHoursView {
    /// The time of day when they begin.
    #[schema(example = "22:00")]
    pub from: String,
    /// The time of day when they end, on the next day if it is the earlier one.
    #[schema(example = "07:00")]
    pub to: String,
    /// The days on which they begin, from 1 for Monday to 7 for Sunday.
    #[schema(example = json!([1, 2, 3, 4, 5]))]
    pub days: Vec<u8>,
    /// The IANA time zone; null for that of each device.
    #[schema(required = true, example = "Asia/Seoul")]
    pub time_zone: Option<String>,
}

/// What the caller wants to be notified of, as a whole.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNotificationSettings {
    /// Which messages of rooms of up to 100 members.
    pub level: Level,
    /// Which messages of larger rooms.
    pub large_room_level: Level,
    /// How much a notification shows. The service may show less.
    pub preview: Preview,
    /// The time until which nothing rings, as in RFC 3339; nothing is paused unless given.
    #[schema(example = "2026-11-27T00:00:00Z", format = DateTime)]
    pub paused_until: Option<String>,
    /// The hours in which nothing rings; none unless given.
    pub quiet: Option<NewQuietHours>,
    /// Whether friend requests ring.
    pub friend_requests: bool,
    /// Whether `@channel` counts as a mention of the caller.
    pub wide: bool,
}

/// Hours in which nothing rings, by the clock on the wall.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewQuietHours {
    /// The time of day when they begin.
    #[schema(example = "22:00", pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    pub from: String,
    /// The time of day when they end, on the next day if it is the earlier one. Not the same as `from`.
    #[schema(example = "07:00", pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    pub to: String,
    /// The days on which they begin, from 1 for Monday to 7 for Sunday.
    #[schema(example = json!([1, 2, 3, 4, 5]), min_items = 1, max_items = 7)]
    pub days: Vec<u8>,
    /// The IANA time zone; that of each device unless given.
    #[schema(example = "Asia/Seoul", max_length = 64)]
    pub time_zone: Option<String>,
}

/// What the caller is notified of in one room. Null is as everywhere.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomNotificationsView {
    /// The room's id.
    pub room_id: RoomId,
    /// The room's kind.
    pub room_type: RoomKind,
    /// Which messages.
    #[schema(required = true)]
    pub level: Option<Level>,
    /// The time until which the room is muted, mentions included.
    #[schema(required = true)]
    pub muted_until: Option<Timestamp>,
    /// Whether `@channel` counts as a mention of the caller.
    #[schema(required = true)]
    pub wide: Option<bool>,
}

/// What the caller wants to be notified of in one room, as a whole. What is null or absent is as everywhere.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoomNotifications {
    /// Which messages.
    pub level: Option<Level>,
    /// The time until which the room is muted, mentions included, as in RFC 3339.
    #[schema(example = "2026-11-27T00:00:00Z", format = DateTime)]
    pub muted_until: Option<String>,
    /// Whether `@channel` counts as a mention of the caller.
    pub wide: Option<bool>,
}

/// A device that shows the caller's notifications. Its token is never shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceView {
    /// The id that the app has given itself.
    pub id: Installation,
    /// Who brings its notifications.
    pub platform: Platform,
    /// The language of its notifications.
    pub locale: Locale,
    /// Its IANA time zone; null if it is not known.
    #[schema(required = true, example = "Asia/Seoul")]
    pub time_zone: Option<String>,
    /// The version of the app; null if it is not known.
    #[schema(required = true, example = "1.2.3")]
    pub app_version: Option<String>,
    /// The time of its first registration.
    pub created_at: Timestamp,
    /// The time of its latest registration.
    pub seen_at: Timestamp,
    /// The time when its platform last took a notification; null if it took none since the device has its token.
    #[schema(required = true)]
    pub last_push_at: Option<Timestamp>,
    /// Why the latest notification failed; null if it did not.
    #[schema(required = true, example = "unavailable")]
    pub last_error: Option<String>,
}

/// A device to notify.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDevice {
    /// Who brings its notifications. Not every service has each of them.
    pub platform: Platform,
    /// The token that `fcm` or `apns` gave to the app.
    #[schema(min_length = 1, max_length = 1024, example = "cQx1fTkzR7q:APA91bGd")]
    pub token: Option<String>,
    /// The subscription of the browser, with `webpush`.
    pub subscription: Option<NewSubscription>,
    /// With `apns`: `production` unless given.
    pub environment: Option<PushHost>,
    /// The language of its notifications; that of the request unless given.
    pub locale: Option<Locale>,
    /// Its IANA time zone, in which quiet hours without a zone are.
    #[schema(example = "Asia/Seoul", max_length = 64)]
    pub time_zone: Option<String>,
    /// The version of the app: 1 to 64 visible ASCII characters.
    #[schema(example = "1.2.3", min_length = 1, max_length = 64)]
    pub app_version: Option<String>,
}

/// A subscription as a browser's `PushSubscription` writes itself, without `expirationTime`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSubscription {
    /// The URL of the browser's push service.
    #[schema(example = "https://updates.push.services.mozilla.com/wpush/v2/gAAAA", max_length = 1024)]
    pub endpoint: String,
    /// Its keys.
    pub keys: SubscriptionKeys,
}

/// The keys of a subscription (RFC 8291) in base64url.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionKeys {
    /// A point on P-256, uncompressed.
    #[schema(example = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4")]
    pub p256dh: String,
    /// 16 bytes.
    #[schema(example = "BTBZMqHH6r4Tts7J_aSIgg")]
    pub auth: String,
}

/// What browsers subscribe with.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebpushView {
    /// The service's public key (VAPID, RFC 8292): the `applicationServerKey` of a subscription, in base64url.
    #[schema(example = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8")]
    pub public_key: String,
}

/// A notification to send to one of the caller's devices.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestPush {
    /// The device.
    pub installation: Installation,
}

/// What the caller has not read, over their first hundred rooms with unread messages. No number is higher than 999.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnreadTotalView {
    /// Messages.
    #[schema(example = 12)]
    pub messages: i32,
    /// Rooms with such messages.
    #[schema(example = 3)]
    pub rooms: i32,
    /// Messages that name the caller, of the newest 200, in muted rooms too.
    #[schema(example = 1)]
    pub mentions: i32,
    /// What an app's icon shows: the messages that the caller wants to be notified of.
    #[schema(example = 10)]
    pub badge: i32,
}

/// A device as a request describes it.
#[derive(Debug)]
pub struct ParsedDevice {
    /// Where its notifications go. Whether there is such a place is for its platform to say.
    pub address: Address,
    /// Its zone.
    pub time_zone: Option<TimeZone>,
    /// The version of the app.
    pub app_version: Option<String>,
}

impl NewDevice {
    /// The device, or every bad field.
    pub fn parse(self) -> Result<ParsedDevice, Fault> {
        let Self { platform, token, subscription, environment, time_zone, app_version, .. } = self;
        let is_web = platform == Platform::Webpush;
        let is_misplaced = environment.is_some() && platform != Platform::Apns;
        let keys = subscription.as_ref().map(|subscription| &subscription.keys);
        let key = |text: Option<&String>| text.map(|text| bytes(text)).transpose();
        let (token, (), (), p256dh, auth) = fields((
            ("token", only_if(!is_web, token)),
            ("subscription", only_if(is_web, subscription.as_ref()).map(drop)),
            ("environment", if is_misplaced { Err(Invalid::Contradiction) } else { Ok(()) }),
            ("subscription.keys.p256dh", key(keys.map(|keys| &keys.p256dh))),
            ("subscription.keys.auth", key(keys.map(|keys| &keys.auth))),
        ))?;
        let (time_zone, app_version) = fields((
            ("time_zone", time_zone.as_deref().map(TimeZone::parse).transpose()),
            ("app_version", app_version.as_deref().map(version).transpose()),
        ))?;
        let token = token.unwrap_or_default();
        let address = match platform {
            Platform::Fcm => Address::Fcm(token),
            // Its digits are the same token in either case.
            Platform::Apns => Address::Apns(token.to_ascii_lowercase(), environment.unwrap_or_default()),
            Platform::Webpush => Address::Webpush(Subscription {
                endpoint: subscription.map(|subscription| subscription.endpoint).unwrap_or_default(),
                p256dh: p256dh.unwrap_or_default(),
                auth: auth.unwrap_or_default(),
            }),
        };
        Ok(ParsedDevice { address, time_zone, app_version })
    }
}

/// A value that some platforms need, and others don't take.
fn only_if<T>(is_needed: bool, value: Option<T>) -> Result<Option<T>, Invalid> {
    match (&value, is_needed) {
        (None, true) => Err(Invalid::Required),
        (Some(_), false) => Err(Invalid::Contradiction),
        _ => Ok(value),
    }
}

/// The bytes of base64url, which some browsers pad.
fn bytes(text: &str) -> Result<Vec<u8>, Invalid> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| Invalid::BadFormat)
}

fn version(text: &str) -> Result<String, Invalid> {
    match text.len() {
        0 => Err(Invalid::Blank),
        1..=LONGEST_VERSION if text.bytes().all(|b| b.is_ascii_graphic()) => Ok(text.to_owned()),
        1..=LONGEST_VERSION => Err(Invalid::ForbiddenCharacter),
        _ => Err(Invalid::TooLong),
    }
}

impl NewNotificationSettings {
    /// The settings, or every bad field.
    pub fn parse(self) -> Result<NotificationSettings, Fault> {
        let Self { level, large_room_level, preview, paused_until, quiet, friend_requests, wide } = self;
        let parts = quiet.map(|quiet| {
            let zone = quiet.time_zone.as_deref().map(TimeZone::parse).transpose();
            (TimeOfDay::parse(&quiet.from), TimeOfDay::parse(&quiet.to), Days::parse(&quiet.days), zone)
        });
        let (from, to, days, zone) = match parts {
            Some((from, to, days, zone)) => (from.map(Some), to.map(Some), days.map(Some), zone),
            None => (Ok(None), Ok(None), Ok(None), Ok(None)),
        };
        let (paused_until, from, to, days, zone) = fields((
            ("paused_until", paused_until.as_deref().map(Timestamp::parse).transpose()),
            ("quiet.from", from),
            ("quiet.to", to),
            ("quiet.days", days),
            ("quiet.time_zone", zone),
        ))?;
        let quiet = match (from, to, days) {
            (Some(from), Some(to), Some(days)) => {
                let hours = QuietHours::new(from, to, days, zone);
                Some(hours.map_err(|reason| Fault::field("quiet.to", reason))?)
            }
            _ => None,
        };
        Ok(NotificationSettings { level, large_room_level, preview, paused_until, quiet, friend_requests, wide })
    }
}

impl NewRoomNotifications {
    /// The settings, or why they are refused.
    pub fn parse(&self) -> Result<RoomSettings, Fault> {
        let muted_until = self.muted_until.as_deref().map(Timestamp::parse).transpose();
        let muted_until = muted_until.map_err(|reason| Fault::field("muted_until", reason))?;
        Ok(RoomSettings { level: self.level, muted_until, wide: self.wide })
    }
}

impl From<NotificationSettings> for NotificationSettingsView {
    fn from(settings: NotificationSettings) -> Self {
        let NotificationSettings { level, large_room_level, preview, paused_until, quiet, friend_requests, wide } =
            settings;
        let quiet = quiet.as_ref().map(QuietHoursView::from);
        Self { level, large_room_level, preview, paused_until, quiet, friend_requests, wide }
    }
}

impl From<&QuietHours> for QuietHoursView {
    fn from(quiet: &QuietHours) -> Self {
        Self {
            from: quiet.from().to_string(),
            to: quiet.to().to_string(),
            days: quiet.days().numbers(),
            time_zone: quiet.time_zone().map(|zone| zone.as_str().to_owned()),
        }
    }
}

impl RoomNotificationsView {
    /// What somebody wants to be notified of in a room.
    pub fn of(room: RoomKey, settings: RoomSettings) -> Self {
        let RoomSettings { level, muted_until, wide } = settings;
        Self { room_id: room.id, room_type: room.kind, level, muted_until, wide }
    }
}

impl From<Device> for DeviceView {
    fn from(device: Device) -> Self {
        Self {
            platform: device.address.platform(),
            id: device.installation,
            locale: device.locale,
            time_zone: device.time_zone.map(|zone| zone.as_str().to_owned()),
            app_version: device.app_version,
            created_at: device.created_at,
            seen_at: device.seen_at,
            last_push_at: device.last_push_at,
            last_error: device.last_error,
        }
    }
}

impl From<UnreadTotal> for UnreadTotalView {
    fn from(total: UnreadTotal) -> Self {
        let UnreadTotal { messages, rooms, mentions, badge } = total;
        Self { messages, rooms, mentions, badge }
    }
}
