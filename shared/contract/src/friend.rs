use crate::ProfileView;
use domain::{Friendship, FriendshipId, FriendshipStatus, FriendshipWith, Seen, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A friendship or friend request.
#[derive(Debug, Serialize, ToSchema)]
pub struct FriendshipView {
    /// Its id.
    pub id: FriendshipId,
    /// The person who sent the request.
    pub user_id_1: UserId,
    /// The person who received the request.
    pub user_id_2: UserId,
    /// Its status.
    pub status: FriendshipStatus,
    /// The time of the request.
    pub created_at: Timestamp,
    /// The time of its latest change.
    pub updated_at: Timestamp,
}

/// A friend, or an open friend request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FriendView {
    /// The id of the friendship or request.
    pub id: FriendshipId,
    /// The other person.
    pub user: ProfileView,
    /// The time since when they are friends, or of the request.
    pub since: Timestamp,
}

/// A friend, and whether they are online.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ListedFriend {
    /// The friend.
    #[serde(flatten)]
    pub friend: FriendView,
    /// Whether the friend is online. False of a friend who hides it, and of everybody while the caller does.
    pub is_online: bool,
    /// When the friend was last online, to the minute, hour or day; null while they are, after 30 days, and where it is hidden.
    #[schema(required = true)]
    pub last_seen_at: Option<Timestamp>,
}

/// A request to become friends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FriendRequest {
    /// The person to ask.
    pub user_id: UserId,
}

/// A page of open friend requests.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FriendRequestsQuery {
    /// The direction of the requests; `received` unless given.
    #[param(inline)]
    pub direction: Option<FriendRequestDirection>,
    /// The number of items, 1 to 100; 30 unless given.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<i64>,
    /// The `next_cursor` of the page before; the first page unless given.
    #[param(min_length = 1)]
    pub cursor: Option<String>,
}

/// The direction of a friend request, seen from the caller.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FriendRequestDirection {
    /// The caller received it.
    Received,
    /// The caller sent it.
    Sent,
}

impl From<Friendship> for FriendshipView {
    fn from(friendship: Friendship) -> Self {
        let Friendship { id, requester, addressee, status, created_at, updated_at, quiet_until: _ } = friendship;
        Self { id, user_id_1: requester, user_id_2: addressee, status, created_at, updated_at }
    }
}

impl ListedFriend {
    /// A friend of whom the caller sees so much.
    pub fn of(friendship: FriendshipWith, seen: Seen) -> Self {
        let Seen { is_online, last_seen_at } = seen;
        Self { friend: friendship.into(), is_online, last_seen_at }
    }
}

impl From<FriendshipWith> for FriendView {
    fn from(friendship: FriendshipWith) -> Self {
        Self { id: friendship.id, user: friendship.user.into(), since: friendship.since }
    }
}
