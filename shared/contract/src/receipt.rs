use domain::{RoomId, RoomKind, Seq, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A request for how far a room's members have read.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReceiptsQuery {
    /// The room's id.
    #[param(example = 12)]
    pub room_id: RoomId,
    /// The room's kind; `private` unless given.
    #[param(example = "private")]
    pub room_type: Option<RoomKind>,
}

/// How far a room's members have read.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceiptsView {
    /// Each member who shares it, the caller too. Empty in rooms of more than 50 members, across a block, and for a caller who does not
    /// share it.
    pub items: Vec<ReceiptView>,
}

/// How far a member has read.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceiptView {
    /// The member.
    pub user_id: UserId,
    /// The newest message that they have read; 0 if none.
    pub read_seq: Seq,
    /// The newest message that has arrived at them, at least `read_seq`; in groups the same.
    pub delivered_seq: Seq,
}

/// Who has read a message. Its author counts as neither.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct MessageReceiptsView {
    /// How many members have read it, without those who do not share it.
    #[schema(example = 1)]
    pub read_count: usize,
    /// How many members there are beside the author.
    #[schema(example = 2)]
    pub member_count: usize,
    /// Those who have read it; empty in rooms of more than 50 members.
    pub read_by: Vec<UserId>,
    /// Those who have not, without those who do not share it; empty in rooms of more than 50 members.
    pub not_read_by: Vec<UserId>,
}
