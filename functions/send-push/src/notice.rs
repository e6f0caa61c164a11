use crate::{
    audience::{Audience, Listener},
    deliver::Notice,
    run::Run,
};
use domain::{
    Message, MessageType, OrLog as _, UserId,
    notification::{Address, Device},
};
use push::{News, Notification, Text};

/// The most people whose badges one job counts: those of a larger room keep the number that is there.
pub(crate) const MOST_COUNTED: usize = 50;

/// What the devices of somebody are told of a message, but for those where it is a quiet time.
pub(crate) async fn notices<'a>(
    run: &Run<'_>,
    audience: &Audience,
    listener: &Listener,
    devices: impl Iterator<Item = &'a Device>,
    message: &Message,
) -> Vec<Notice<'a>> {
    let now = run.now();
    let awake: Vec<_> = devices.filter(|device| !listener.settings.are_quiet(now, device.time_zone.as_ref())).collect();
    let badge = if audience.size <= MOST_COUNTED { badge(run, listener.user, &awake).await } else { None };
    let notification = Notification {
        news: news(audience, listener, message),
        room: Some(message.room),
        id: Some(message.id),
        seq: Some(message.seq),
        preview: listener.settings.preview,
        badge,
    };
    let notice = |device| Notice { device, notification: notification.clone(), author: Some(message.user) };
    awake.into_iter().map(notice).collect()
}

/// What stands at the icon of the app: counted now, since a number that a job carried would be an old one. Only devices of Apple's
/// are told it.
pub(crate) async fn badge(run: &Run<'_>, user: UserId, devices: &[&Device]) -> Option<u32> {
    if !devices.iter().any(|device| shows_number(device)) {
        return None;
    }
    let _one = run.counts.acquire().await;
    let unread = run.app.mongo.rooms().count_unread_of_person(user, run.now()).await;
    u32::try_from(unread.or_log("count what stands at an icon")?.total.badge).ok()
}

/// Whether an icon on the device shows what is unread.
pub(crate) const fn shows_number(device: &Device) -> bool {
    matches!(device.address, Address::Apns(..))
}

fn news(audience: &Audience, listener: &Listener, message: &Message) -> News {
    let sender = audience.name_of(message.user).unwrap_or_default().to_owned();
    let group = audience.name.clone();
    if message.system.is_some() {
        return News::Added { sender, group: group.unwrap_or_default() };
    }
    let text = match message.message_type {
        MessageType::Image if message.content.is_empty() => Text::Photo,
        MessageType::File if message.content.is_empty() => Text::File,
        MessageType::Voice => Text::Voice,
        MessageType::Video if message.content.is_empty() => Text::Video,
        MessageType::Text | MessageType::Image | MessageType::File | MessageType::Video | MessageType::System => {
            Text::Plain(message.content.clone())
        }
    };
    News::Message { sender, group, text, is_mention: message.mentions.people.contains(&listener.user) }
}
