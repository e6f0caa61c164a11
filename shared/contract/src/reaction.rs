use crate::MessageView;
use domain::{Emoji, Fault, MessageId, Reaction, Reactor, Rev, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The number of reactions to a message with one emoji.
#[derive(Clone, Serialize, ToSchema)]
pub struct ReactionView {
    /// The emoji.
    #[schema(example = "👍")]
    pub emoji: String,
    /// How many people reacted with it.
    #[schema(example = 2)]
    pub count: u32,
    /// Whether the user is one of them. Pushed frames leave it out, since it is the same frame for everybody: what the client knows
    /// of its user's reactions stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = true)]
    pub mine: Option<bool>,
}

/// The reactions to a message.
#[derive(Serialize, ToSchema)]
pub struct ReactionsView {
    /// The message's id.
    pub id: MessageId,
    /// The number of the message's latest change in the room.
    pub rev: Rev,
    /// The reactions, by the time of the first one with each emoji; empty if there are none.
    pub reactions: Vec<ReactionView>,
}

/// One person's reaction to a message.
#[derive(Serialize, ToSchema)]
pub struct ReactorView {
    /// The person.
    pub user_id: UserId,
    /// The emoji.
    #[schema(example = "👍")]
    pub emoji: String,
    /// The time of the reaction.
    pub at: Timestamp,
}

/// A reaction to a message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReaction {
    /// One emoji; with or without its variation selectors it is the same one.
    #[schema(example = "👍", min_length = 1)]
    pub emoji: String,
}

/// The reaction to take back.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReactionQuery {
    /// The emoji.
    #[param(example = "👍", min_length = 1)]
    pub emoji: String,
}

/// A page of the reactions to a message.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReactorsQuery {
    /// Asks for the reactions with this emoji only.
    #[param(example = "👍", min_length = 1)]
    pub emoji: Option<String>,
    /// The number of items, 1 to 100; 30 unless given.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<i64>,
    /// The `next_cursor` of the page before; the first page unless given.
    #[param(min_length = 1)]
    pub cursor: Option<String>,
}

impl From<Reaction> for ReactionView {
    fn from(reaction: Reaction) -> Self {
        let Reaction { emoji, count, mine } = reaction;
        Self { emoji, count, mine }
    }
}

impl From<MessageView> for ReactionsView {
    fn from(message: MessageView) -> Self {
        let MessageView { id, rev, reactions, .. } = message;
        Self { id, rev, reactions }
    }
}

impl From<Reactor> for ReactorView {
    fn from(reactor: Reactor) -> Self {
        let Reactor { user: user_id, emoji, at } = reactor;
        Self { user_id, emoji, at }
    }
}

impl NewReaction {
    /// The emoji, or why it is refused.
    pub fn parse(&self) -> Result<Emoji, Fault> {
        parse_emoji(&self.emoji)
    }
}

impl ReactionQuery {
    /// The emoji, or why it is refused.
    pub fn parse(&self) -> Result<Emoji, Fault> {
        parse_emoji(&self.emoji)
    }
}

impl ReactorsQuery {
    /// The emoji, if there is one, or why it is refused.
    pub fn parse(&self) -> Result<Option<Emoji>, Fault> {
        self.emoji.as_deref().map(parse_emoji).transpose()
    }
}

pub(crate) fn parse_emoji(emoji: &str) -> Result<Emoji, Fault> {
    Emoji::parse(emoji).map_err(|reason| Fault::field("emoji", reason))
}
