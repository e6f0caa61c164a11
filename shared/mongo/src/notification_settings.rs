use crate::{
    Mongo,
    fault::store_fault,
    messages::date,
    one_batch,
    read_states::state_id,
    schema::{NOTIFICATION_SETTINGS, READ_STATES, ROOMS},
    write_once_more,
};
use domain::{
    Fault, Page, PageSize, RoomKey, Timestamp, UserId,
    notification::{Days, Level, NotificationSettings, Preview, QuietHours, RoomSettings, TimeOfDay, TimeZone},
};
use futures_util::TryStreamExt as _;
use mongodb::bson::{DateTime, Document, doc};
use serde::Deserialize;
use std::collections::HashMap;

/// The repository of `notification_settings`, and of the settings of single rooms, which stand in `read_states`: whoever looks at
/// a room's members reads both with how far they have read.
#[derive(Debug, Clone, Copy)]
pub struct Notifications<'a>(pub(crate) &'a Mongo);

#[derive(Deserialize)]
pub(crate) struct SettingsRow {
    #[serde(rename = "_id")]
    user: UserId,
    level: Level,
    large_room_level: Level,
    preview: Preview,
    paused_until: Option<DateTime>,
    quiet: Option<QuietRow>,
    friend_requests: bool,
    wide: bool,
}

#[derive(Deserialize)]
struct QuietRow {
    from: String,
    to: String,
    days: Vec<u8>,
    time_zone: Option<String>,
}

/// What of a read state says otherwise for one room.
#[derive(Deserialize, Clone, Copy, Default)]
pub(crate) struct RoomSettingsRow {
    level: Option<Level>,
    muted_until: Option<DateTime>,
    wide: Option<bool>,
}

impl Notifications<'_> {
    /// A person's settings; those of who has set none are the defaults.
    pub async fn find(self, user: UserId) -> Result<NotificationSettings, Fault> {
        let settings = self.0.collection::<SettingsRow>(NOTIFICATION_SETTINGS);
        let found = settings.find_one(doc! { "_id": user.0 }).await.map_err(store_fault)?;
        Ok(found.map(NotificationSettings::from).unwrap_or_default())
    }

    /// The settings of those of some people who have set some.
    pub async fn list(self, users: &[UserId]) -> Result<HashMap<UserId, NotificationSettings>, Fault> {
        let theirs = doc! { "_id": { "$in": users.iter().map(|user| user.0).collect::<Vec<_>>() } };
        let (settings, batch) = (self.0.collection::<SettingsRow>(NOTIFICATION_SETTINGS), one_batch(users.len()));
        let rows: Vec<_> =
            async { settings.find(theirs).batch_size(batch).await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| (row.user, row.into())).collect())
    }

    /// Replaces a person's settings.
    pub async fn replace(self, user: UserId, settings: &NotificationSettings) -> Result<(), Fault> {
        let (collection, whole) = (self.0.documents(NOTIFICATION_SETTINGS), document(settings));
        let write = || async { collection.replace_one(doc! { "_id": user.0 }, whole.clone()).upsert(true).await };
        write_once_more(write).await.map_err(store_fault)?;
        Ok(())
    }

    /// Forgets a person's settings.
    pub async fn remove(self, user: UserId) -> Result<(), Fault> {
        let settings = self.0.documents(NOTIFICATION_SETTINGS);
        settings.delete_one(doc! { "_id": user.0 }).await.map_err(store_fault)?;
        Ok(())
    }

    /// What a person wants otherwise in a room.
    pub async fn find_of_room(self, room: RoomKey, user: UserId) -> Result<RoomSettings, Fault> {
        let states = self.0.collection::<RoomSettingsRow>(READ_STATES);
        let found = states.find_one(doc! { "_id": state_id(room, user) }).projection(room_settings());
        Ok(found.await.map_err(store_fault)?.map(RoomSettings::from).unwrap_or_default())
    }

    /// Replaces what a person wants otherwise in a room; where nothing is otherwise, nothing is kept.
    pub async fn replace_of_room(self, room: RoomKey, user: UserId, settings: RoomSettings) -> Result<(), Fault> {
        let RoomSettings { level, muted_until, wide } = settings;
        let (states, this) = (self.0.documents(READ_STATES), doc! { "_id": state_id(room, user) });
        let written = if settings.are_default() {
            let unset = doc! { "level": "", "muted_until": "", "wide": "", "differs": "" };
            states.update_one(this, doc! { "$unset": unset }).await
        } else {
            let set = doc! {
                "level": level.map(Level::as_str), "muted_until": muted_until.map(date), "wide": wide, "differs": true,
            };
            let change = doc! { "$set": set, "$setOnInsert": { "read_seq": 0_i64 } };
            write_once_more(|| async { states.update_one(this.clone(), change.clone()).upsert(true).await }).await
        };
        written.map_err(store_fault)?;
        Ok(())
    }

    /// The rooms of a person in which they want something otherwise, by name. A page may have fewer rooms than it could, or none,
    /// and still have a next one, since they may have left some.
    pub async fn list_of_rooms(
        self,
        user: UserId,
        after: Option<RoomKey>,
        size: PageSize,
    ) -> Result<Page<(RoomKey, RoomSettings), RoomKey>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            room: RoomKey,
            is_member: bool,
            #[serde(flatten)]
            settings: RoomSettingsRow,
        }
        let after = after.map(|room| room.to_string()).unwrap_or_default();
        let membership = doc! { "$lookup": {
            "from": ROOMS, "localField": "_id.room", "foreignField": "_id", "as": "rooms",
            "pipeline": [{ "$match": { "members": user.0 } }, { "$project": { "_id": 1 } }],
        } };
        let mut shown = doc! {
            "_id": 0, "room": "$_id.room", "is_member": { "$gt": [{ "$size": "$rooms" }, 0] },
        };
        shown.extend(room_settings());
        let pipeline = [
            doc! { "$match": { "_id.user": user.0, "_id.room": { "$gt": after }, "differs": true } },
            doc! { "$sort": { "_id.room": 1 } },
            doc! { "$limit": size.and_one() },
            membership,
            doc! { "$project": shown },
        ];
        let rows: Vec<Row> = async {
            let states = self.0.documents(READ_STATES);
            states.aggregate(pipeline).batch_size(one_batch(101)).with_type::<Row>().await?.try_collect().await
        }
        .await
        .map_err(store_fault)?;
        let Page { items, next } = Page::cut(rows, size, |row| row.room);
        let items = items.into_iter().filter(|row| row.is_member).map(|row| (row.room, row.settings.into()));
        Ok(Page { items: items.collect(), next })
    }
}

/// The fields of a read state that say what somebody wants otherwise.
pub(crate) fn room_settings() -> Document {
    doc! { "level": 1, "muted_until": 1, "wide": 1 }
}

impl From<RoomSettingsRow> for RoomSettings {
    fn from(row: RoomSettingsRow) -> Self {
        let RoomSettingsRow { level, muted_until, wide } = row;
        Self { level, muted_until: muted_until.map(moment), wide }
    }
}

impl From<SettingsRow> for NotificationSettings {
    fn from(row: SettingsRow) -> Self {
        let SettingsRow { user: _, level, large_room_level, preview, paused_until, quiet, friend_requests, wide } = row;
        let paused_until = paused_until.map(moment);
        Self { level, large_room_level, preview, paused_until, quiet: quiet.and_then(hours), friend_requests, wide }
    }
}

/// The hours of a row; a zone that was renamed since is that of each device.
fn hours(row: QuietRow) -> Option<QuietHours> {
    let QuietRow { from, to, days, time_zone } = row;
    let zone = time_zone.and_then(|name| TimeZone::parse(&name).ok());
    let [from, to] = [from, to].map(|text| TimeOfDay::parse(&text).ok());
    QuietHours::new(from?, to?, Days::parse(&days).ok()?, zone).ok()
}

fn document(settings: &NotificationSettings) -> Document {
    let quiet = settings.quiet.as_ref().map(|quiet| {
        let days: Vec<_> = quiet.days().numbers().into_iter().map(i32::from).collect();
        let zone = quiet.time_zone().map(TimeZone::as_str);
        doc! { "from": quiet.from().to_string(), "to": quiet.to().to_string(), "days": days, "time_zone": zone }
    });
    doc! {
        "level": settings.level.as_str(),
        "large_room_level": settings.large_room_level.as_str(),
        "preview": settings.preview.as_str(),
        "paused_until": settings.paused_until.map(date),
        "quiet": quiet,
        "friend_requests": settings.friend_requests,
        "wide": settings.wide,
    }
}

fn moment(at: DateTime) -> Timestamp {
    Timestamp::from_millis(at.timestamp_millis())
}
