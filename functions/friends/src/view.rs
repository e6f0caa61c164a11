use domain::{Friendship, FriendshipId, FriendshipStatus, Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;

/// A friendship or request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FriendshipView {
    /// Its number; another one when somebody asks anew.
    #[schema(value_type = i32, example = 7)]
    id: FriendshipId,
    /// Who asked.
    #[schema(value_type = i32, example = 3)]
    user_id_1: UserId,
    /// Who was asked.
    #[schema(value_type = i32, example = 4)]
    user_id_2: UserId,
    /// `pending`, `accepted` or `rejected`.
    #[schema(value_type = String, example = "pending")]
    status: FriendshipStatus,
    /// When it was asked.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Friendship> for FriendshipView {
    fn from(friendship: Friendship) -> Self {
        let Friendship { id, requester, addressee, status, created_at, updated_at } = friendship;
        Self { id, user_id_1: requester, user_id_2: addressee, status, created_at, updated_at }
    }
}
