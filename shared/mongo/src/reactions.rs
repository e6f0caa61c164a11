use crate::{
    Causal, Messages, Reservation, Stored,
    fault::store_fault,
    messages::{Fanout, date, not_deleted, object_id},
    schema::{MESSAGES, ROOMS},
};
use domain::{Emoji, Fault, MOST_EMOJIS, MOST_REACTORS, MessageId, Page, PageSize, Reactor, Timestamp, UserId};
use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, DateTime, Document, doc};
use serde::Deserialize;

/// Where a page of reactions ended: when, who, with what.
pub type ReactorKey = (i64, UserId, String);

impl Messages<'_> {
    /// Adds a reaction at a reserved position and returns the message as of then. Reactions of others stay.
    ///
    /// `None`: the message is gone, deleted, has this reaction, has no place for another emoji, or has a higher `rev`, or another
    /// message has this one. An error means that the outcome is unknown.
    pub async fn react(
        self,
        causal: &mut Causal,
        id: MessageId,
        by: UserId,
        emoji: Emoji,
        reservation: &Reservation,
        at: Timestamp,
    ) -> Result<Option<Stored>, Fault> {
        let mut filter = not_deleted(id);
        filter.extend(doc! {
            "reactions": { "$not": { "$elemMatch": reaction_of(by, emoji) } },
            "$or": [
                { "reactions.emoji": emoji.as_str() },
                { format!("reactions.{}", MOST_EMOJIS - 1): { "$exists": false } },
            ],
            "$nor": [{ "reactions": { "$elemMatch": {
                "emoji": emoji.as_str(), format!("users.{}", MOST_REACTORS - 1): { "$exists": true },
            } } }],
        });
        let new = doc! { "user": by.0, "at": date(at) };
        let there = doc! { "$ifNull": ["$reactions", []] };
        let joined = doc! { "$concatArrays": ["$$reaction.users", [new.clone()]] };
        let changed = doc! { "$cond": [
            { "$in": [emoji.as_str(), { "$ifNull": ["$reactions.emoji", []] }] },
            with_users_of(emoji, joined),
            { "$concatArrays": [there, [{ "emoji": emoji.as_str(), "users": [new] }]] },
        ] };
        self.change(causal, filter, with_reactions(changed, at), reservation, Fanout::new(at, 0)).await
    }

    /// Takes a reaction back at a reserved position and returns the message as of then. Reactions of others stay.
    ///
    /// `None`: the message is gone, deleted, has no such reaction, or has a higher `rev`, or another message has this one. An error
    /// means that the outcome is unknown.
    pub async fn take_reaction_back(
        self,
        causal: &mut Causal,
        id: MessageId,
        by: UserId,
        emoji: Emoji,
        reservation: &Reservation,
        at: Timestamp,
    ) -> Result<Option<Stored>, Fault> {
        let mut filter = not_deleted(id);
        filter.insert("reactions", doc! { "$elemMatch": reaction_of(by, emoji) });
        let is_other = doc! { "$ne": ["$$one.user", by.0] };
        let left = doc! { "$filter": { "input": "$$reaction.users", "as": "one", "cond": is_other } };
        let changed = doc! { "$filter": {
            "input": with_users_of(emoji, left), "as": "reaction", "cond": { "$ne": ["$$reaction.users", []] },
        } };
        self.change(causal, filter, with_reactions(changed, at), reservation, Fanout::new(at, 0)).await
    }

    /// Who reacted to a message, to all of it or with one emoji, the first one first; `None` for who is not in its room.
    pub async fn list_reactors(
        self,
        id: MessageId,
        user: UserId,
        emoji: Option<Emoji>,
        after: Option<&ReactorKey>,
        size: PageSize,
    ) -> Result<Option<Page<Reactor, ReactorKey>>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            reactors: Vec<ReactorRow>,
        }
        #[derive(Deserialize)]
        struct ReactorRow {
            at: DateTime,
            user: UserId,
            emoji: String,
        }
        let mut reactions = doc! { "$ifNull": ["$reactions", []] };
        if let Some(emoji) = emoji {
            let is_it = doc! { "$eq": ["$$reaction.emoji", emoji.as_str()] };
            reactions = doc! { "$filter": { "input": reactions, "as": "reaction", "cond": is_it } };
        }
        let each = doc! { "at": "$$one.at", "user": "$$one.user", "emoji": "$$this.emoji" };
        let of_one = doc! { "$map": { "input": "$$this.users", "as": "one", "in": each } };
        let mut all = doc! { "$reduce": {
            "input": reactions, "initialValue": [], "in": { "$concatArrays": ["$$value", of_one] },
        } };
        if let Some((millis, user, emoji)) = after {
            // Documents compare field by field.
            let last = doc! { "at": DateTime::from_millis(*millis), "user": user.0, "emoji": emoji };
            let is_after = doc! { "$gt": ["$$one", { "$literal": last }] };
            all = doc! { "$filter": { "input": all, "as": "one", "cond": is_after } };
        }
        let page = doc! { "$slice": [{ "$sortArray": { "input": all, "sortBy": 1 } }, size.and_one()] };
        let pipeline = [
            doc! { "$match": { "_id": object_id(id) } },
            doc! { "$project": {
                "_id": 0,
                "room": { "$concat": ["$room_type", ":", { "$toString": "$room_id" }] },
                "reactors": page,
            } },
            doc! { "$lookup": {
                "from": ROOMS, "localField": "room", "foreignField": "_id", "as": "room",
                "pipeline": [{ "$match": { "members": user.0 } }, { "$project": { "_id": 1 } }],
            } },
            doc! { "$match": { "room": { "$ne": [] } } },
        ];
        let messages = self.mongo.documents(MESSAGES);
        let found = async { messages.aggregate(pipeline).with_type::<Row>().await?.try_next().await }.await;
        let Some(Row { reactors }) = found.map_err(store_fault)? else { return Ok(None) };
        let reactors = reactors.into_iter().map(|row| Reactor {
            user: row.user,
            emoji: row.emoji,
            at: Timestamp::from_millis(row.at.timestamp_millis()),
        });
        let key = |reactor: &Reactor| (reactor.at.millis(), reactor.user, reactor.emoji.clone());
        Ok(Some(Page::cut(reactors.collect(), size, key)))
    }
}

/// How many people reacted with each emoji, and whether `viewer` did.
pub(crate) fn counted_reactions(viewer: Option<UserId>) -> Document {
    let mut counted = doc! { "emoji": "$$reaction.emoji", "count": { "$size": "$$reaction.users" } };
    if let Some(viewer) = viewer {
        counted.insert("mine", doc! { "$in": [viewer.0, "$$reaction.users.user"] });
    }
    doc! { "$map": { "input": { "$ifNull": ["$reactions", []] }, "as": "reaction", "in": counted } }
}

/// The condition of somebody's reaction with an emoji, for `$elemMatch`.
fn reaction_of(user: UserId, emoji: Emoji) -> Document {
    doc! { "emoji": emoji.as_str(), "users.user": user.0 }
}

/// The reactions with other people on one of them, which the expression knows as `$$reaction`.
fn with_users_of(emoji: Emoji, users: Document) -> Document {
    let is_it = doc! { "$eq": ["$$reaction.emoji", emoji.as_str()] };
    let changed = doc! { "$mergeObjects": ["$$reaction", { "users": users }] };
    let one = doc! { "$cond": [is_it, changed, "$$reaction"] };
    doc! { "$map": { "input": "$reactions", "as": "reaction", "in": one } }
}

/// The update that sets the reactions.
fn with_reactions(reactions: Document, at: Timestamp) -> Vec<Document> {
    let change = Bson::from("reaction");
    vec![doc! { "$set": { "reactions": reactions, "change": change, "updated_at": date(at) } }]
}
