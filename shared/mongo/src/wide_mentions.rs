//! Texts that mention all members of a group. Whether they may is part of the reservation, and `@channel` takes a token there that
//! the group's members share: what is refused changes nothing and takes nothing.

use crate::{
    Rooms,
    fault::store_fault,
    limits::{refilled, wait_for_tokens},
    schema::ROOMS,
};
use domain::{CHANNEL_COST, CHANNEL_LIMIT, Code, Fault, MentionsAll, RoomKey, SMALL_GROUP, UserId, WideMentions};
use mongodb::{
    bson::{Bson, Document, doc, oid::ObjectId},
    options::ReadConcern,
};
use serde::Deserialize;

impl Rooms<'_> {
    /// What keeps a member from mentioning everybody, as the primary has it: what the filter of a reservation has just seen.
    /// `WideMentionForbidden` or `RateLimited`.
    pub async fn admit_wide_mention(self, room: RoomKey, user: UserId, word: MentionsAll) -> Result<(), Fault> {
        #[derive(Deserialize)]
        struct Row {
            may: bool,
            left: f64,
        }
        let rooms = self.0.collection::<Row>(ROOMS);
        let found = rooms
            .find_one(doc! { "_id": room.to_string(), "members": user.0 })
            .projection(doc! { "_id": 0, "may": may_mention_all(user), "left": left() })
            .read_concern(ReadConcern::local())
            .await;
        let Row { may, left } = found.map_err(store_fault)?.ok_or(Code::RoomNotFound)?;
        if !may {
            return Err(Code::WideMentionForbidden.into());
        }
        let missing = f64::from(CHANNEL_COST) - left;
        if word == MentionsAll::Channel && missing > 0.0 {
            return Err(Fault::rate_limited(wait_for_tokens(missing, CHANNEL_LIMIT)));
        }
        Ok(())
    }
}

/// Whether the room lets one of its members mention everybody by a word, and has or gave a token for it.
pub(crate) fn may_call(user: UserId, word: MentionsAll, by: ObjectId) -> Document {
    match word {
        MentionsAll::Here => may_mention_all(user),
        MentionsAll::Channel => {
            let has_token = doc! { "$gte": [left(), i64::from(CHANNEL_COST)] };
            doc! { "$and": [may_mention_all(user), { "$or": [has_called(by), has_token] }] }
        }
    }
}

/// The room's tokens with one less. A reservation that is repeated because its answer was lost takes none.
pub(crate) fn with_call(by: ObjectId) -> Document {
    let cost = doc! { "$cond": [has_called(by), 0, i64::from(CHANNEL_COST)] };
    doc! { "tokens": { "$subtract": [left(), cost] }, "at": "$$NOW", "by": by }
}

/// The room's tokens with one more, where a call was not made after all; another reservation for it takes one again.
pub(crate) fn without_call(by: ObjectId) -> Document {
    let more = doc! { "$add": [left(), i64::from(CHANNEL_COST)] };
    doc! { "tokens": { "$min": [f64::from(CHANNEL_LIMIT.burst), more] }, "at": "$$NOW", "by": { "$cond": [has_called(by), "$$REMOVE", "$channel.by"] } }
}

/// Whether the last call was for this message.
fn has_called(by: ObjectId) -> Document {
    doc! { "$eq": ["$channel.by", by] }
}

fn may_mention_all(user: UserId) -> Document {
    let small = i64::try_from(SMALL_GROUP).unwrap_or(i64::MAX);
    doc! { "$or": [
        { "$lte": [{ "$size": "$members" }, small] },
        { "$eq": ["$wide_mentions", WideMentions::Everyone.as_str()] },
        { "$in": [user.0, { "$ifNull": ["$staff.user_id", []] }] },
    ] }
}

fn left() -> Bson {
    refilled(CHANNEL_LIMIT, "$channel.tokens", "$channel.at")
}
