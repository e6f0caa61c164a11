use crate::{
    AccountView, DeviceView, FriendRequestDirection, MessageView, NotificationSettingsView, RoomNotificationsView,
    SessionView,
};
use domain::{FriendshipId, Role, RoomId, RoomKind, Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;

/// One piece of what is stored of the caller. Other people are named by their ids alone.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum ExportItem {
    /// The account.
    Profile(AccountView),
    /// A session.
    Session(SessionView),
    /// A friend.
    Friend(ExportedFriend),
    /// An open friend request.
    Request(ExportedRequest),
    /// A block.
    Block(ExportedBlock),
    /// A room that the caller is in.
    Room(ExportedRoom),
    /// What the caller is notified of.
    NotificationSettings(NotificationSettingsView),
    /// What the caller is notified of in one room.
    RoomNotifications(RoomNotificationsView),
    /// A device that shows the caller's notifications, without its token.
    Device(DeviceView),
    /// A message of the caller's, without what it answers.
    Message(Box<MessageView>),
}

/// A friendship of the caller's.
#[derive(Serialize, ToSchema)]
pub struct ExportedFriend {
    /// The id of the friendship.
    pub id: FriendshipId,
    /// The friend.
    pub user_id: UserId,
    /// The time since when they are friends.
    pub since: Timestamp,
}

/// An open friend request that the caller received or sent.
#[derive(Serialize, ToSchema)]
pub struct ExportedRequest {
    /// The id of the request.
    pub id: FriendshipId,
    /// The other person.
    pub user_id: UserId,
    /// The direction of the request.
    pub direction: FriendRequestDirection,
    /// The time of the request.
    pub created_at: Timestamp,
}

/// A person whom the caller blocked.
#[derive(Serialize, ToSchema)]
pub struct ExportedBlock {
    /// The blocked person.
    pub user_id: UserId,
    /// The time of the block.
    pub created_at: Timestamp,
}

/// A room that the caller is in.
#[derive(Serialize, ToSchema)]
pub struct ExportedRoom {
    /// The room's id.
    pub room_id: RoomId,
    /// The room's kind.
    pub room_type: RoomKind,
    /// The other person of a room of two; null in a group.
    #[schema(required = true)]
    pub user_id: Option<UserId>,
    /// The caller's role in a group; null in a room of two.
    #[schema(required = true)]
    pub role: Option<Role>,
    /// The time when the caller's part in it began.
    pub since: Timestamp,
}
