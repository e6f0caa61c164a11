use crate::ParticipantView;
use domain::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A request to block a person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBlock {
    /// The person to block.
    pub user_id: UserId,
}

/// A block of the caller's.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlockView {
    /// The blocked person.
    pub user: ParticipantView,
    /// The time of the block.
    pub created_at: Timestamp,
}
