use super::{Watch, session};
use crate::scene::{ANNA, AT, ROOM, private};
use domain::{
    Locale, PageSize, UserId,
    notification::{Address, Device, NotificationSettings, RoomSettings},
};
use mongo::Mongo;

fn device(user: i32) -> Device {
    Device {
        user: UserId(user),
        installation: format!("5f0c9d1e-7a3b-4c2d-9e8f-{user:012x}").parse().unwrap(),
        session: session(user),
        address: Address::Fcm(user.to_string()),
        locale: Locale::Ko,
        time_zone: None,
        app_version: None,
        created_at: AT,
        seen_at: AT,
        last_push_at: None,
        last_error: None,
    }
}

pub(super) async fn watch_notifications(mongo: &Mongo, watch: &mut Watch) {
    let (devices, notifications) = (mongo.devices(), mongo.notifications());
    let mut causal = mongo.causal().await.unwrap();
    for n in 100..150 {
        devices.register_in(&mut causal, &device(n), &n.to_string()).await.unwrap();
        devices.confirm(&device(n)).await.unwrap();
        notifications.replace(UserId(n), &NotificationSettings::default()).await.unwrap();
    }
    watch.profile.fresh().await;
    let (this, people, installation) = (device(107), [UserId(107), UserId(108)], device(107).installation);
    watch.watch("register again", 1, devices.register_in(&mut causal, &this, "107")).await;
    watch.watch("register another token", 1, devices.register_in(&mut causal, &this, "new")).await;
    watch.watch("register", 1, devices.register_in(&mut causal, &device(151), "151")).await;
    watch.watch("confirm", 1, devices.confirm(&this)).await;
    watch.watch("find a device", 1, devices.find(UserId(107), &installation)).await.unwrap();
    watch.watch("list devices", 2, devices.list_of_people(&people)).await;
    watch.watch("list sessions of devices", 1, devices.list_sessions_in(&mut causal, UserId(107))).await;
    watch.watch("note_push", 1, devices.note_pushes(&[&this], AT, None)).await;
    watch.watch("remove devices of sessions", 1, devices.remove_of_sessions(UserId(107), &[session(9)])).await;
    watch.watch("remove devices of logins", 1, devices.remove_of_logins(&[(UserId(107), session(9))])).await;
    watch.watch("remove_unregistered", 1, devices.remove_unregistered(&this, AT)).await;
    watch.watch("remove a device", 1, devices.remove(UserId(108), &device(108).installation)).await;
    watch.watch("remove devices", 1, devices.remove_of_person(UserId(109))).await;
    watch.watch("find settings", 1, notifications.find(UserId(107))).await;
    watch.watch("list settings", 2, notifications.list(&people)).await;
    watch.watch("replace settings", 1, notifications.replace(UserId(107), &NotificationSettings::default())).await;
    watch.watch("remove settings", 1, notifications.remove(UserId(108))).await;
    let mut mute = RoomSettings { muted_until: Some(AT), ..RoomSettings::default() };
    for room in [ROOM, private(2), private(2)] {
        watch.watch("mute", 1, notifications.replace_of_room(room, ANNA, mute)).await;
    }
    watch.watch("find settings of a room", 1, notifications.find_of_room(ROOM, ANNA)).await;
    watch.watch("list rooms", 6, notifications.list_of_rooms(ANNA, None, PageSize::LARGEST)).await;
    mute.muted_until = None;
    watch.watch("unmute", 1, notifications.replace_of_room(private(2), ANNA, mute)).await;
}
