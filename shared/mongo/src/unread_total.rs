use crate::{
    Rooms, UnreadRoom,
    notification_settings::SettingsRow,
    room_lists::{counted_for, room_name},
    schema::{MESSAGES, NOTIFICATION_SETTINGS},
};
use domain::{
    Fault, PageSize, RoomKey, Seq, Timestamp, UserId,
    notification::{Level, NotificationSettings, UnreadTotal},
};
use mongodb::bson::doc;
use serde::Deserialize;
use std::collections::HashMap;

/// Among how many of the newest messages that mention a person unread ones are counted.
const MOST_MENTIONING: i64 = 200;

/// What is unread of a person's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// In all.
    pub total: UnreadTotal,
    /// Their first rooms with unread messages, by name.
    pub rooms: Vec<UnreadRoom>,
}

impl Rooms<'_> {
    /// What is unread in a person's first hundred rooms with unread messages, and in all of these together: two reads, one after
    /// the other, and one beside them.
    pub async fn count_unread_of_person(self, user: UserId, now: Timestamp) -> Result<Unread, Fault> {
        let (rooms, (settings, mentions)) =
            tokio::try_join!(self.list_unread(user, None, PageSize::LARGEST), self.list_mentions(user))?;
        let rooms = rooms.items;
        Ok(Unread { total: total(&rooms, &settings, &mentions, now), rooms })
    }

    /// A person's settings and the newest messages that name them. Those that name everybody are not among them.
    async fn list_mentions(self, user: UserId) -> Result<(NotificationSettings, Vec<(RoomKey, Seq)>), Fault> {
        #[derive(Deserialize)]
        struct Row {
            settings: Vec<SettingsRow>,
            mentions: Vec<Mention>,
        }
        #[derive(Deserialize)]
        struct Mention {
            room: RoomKey,
            seq: Seq,
        }
        let mut naming = counted_for(user);
        naming.insert("mentions", user.0);
        let mentions = [
            doc! { "$match": naming },
            doc! { "$sort": { "created_at": -1 } },
            doc! { "$limit": MOST_MENTIONING },
            doc! { "$project": { "_id": 0, "room": room_name(), "seq": 1 } },
        ];
        let settings = [doc! { "$match": { "_id": user.0 } }];
        let stages = vec![
            doc! { "$lookup": { "from": NOTIFICATION_SETTINGS, "pipeline": settings.to_vec(), "as": "settings" } },
            doc! { "$lookup": { "from": MESSAGES, "pipeline": mentions.to_vec(), "as": "mentions" } },
        ];
        let mut rows: Vec<Row> = self.ask(&[doc! {}], stages).await?;
        let Some(row) = rows.pop() else { return Ok((NotificationSettings::default(), Vec::new())) };
        let settings = row.settings.into_iter().next().map(NotificationSettings::from).unwrap_or_default();
        Ok((settings, row.mentions.into_iter().map(|mention| (mention.room, mention.seq)).collect()))
    }
}

fn total(
    rooms: &[UnreadRoom],
    settings: &NotificationSettings,
    mentions: &[(RoomKey, Seq)],
    now: Timestamp,
) -> UnreadTotal {
    let read: HashMap<_, _> = rooms.iter().map(|room| (room.room, room.read_seq)).collect();
    let mut unread_mentions: HashMap<RoomKey, i32> = HashMap::new();
    for (room, seq) in mentions {
        if read.get(room).is_some_and(|read| read < seq) {
            *unread_mentions.entry(*room).or_default() += 1;
        }
    }
    let mut total = UnreadTotal::default();
    for room in rooms {
        let mentions = unread_mentions.get(&room.room).copied().unwrap_or(0);
        let ringing = match settings.level_in(&room.settings, room.members) {
            _ if room.settings.are_muted(now) => 0,
            Level::All => room.unread,
            Level::Mentions => mentions,
            Level::None => 0,
        };
        total.add(room.unread, mentions, ringing);
    }
    total
}
