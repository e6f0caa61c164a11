use domain::{
    FriendshipId, InviteId, MessageId, Rev, RoomId, RoomKind, Seq, SessionId, UploadId, UserId,
    notification::Installation,
};
use utoipa::{
    ToSchema,
    openapi::{RefOr, schema::Schema},
};

/// The schemas that path and query parameters refer to, which routes do not collect by themselves.
pub fn parameter_schemas() -> Vec<(String, RefOr<Schema>)> {
    vec![
        named::<FriendshipId>(),
        named::<Installation>(),
        named::<InviteId>(),
        named::<MessageId>(),
        named::<Rev>(),
        named::<RoomId>(),
        named::<RoomKind>(),
        named::<Seq>(),
        named::<SessionId>(),
        named::<UploadId>(),
        named::<UserId>(),
    ]
}

pub(crate) fn named<T: ToSchema>() -> (String, RefOr<Schema>) {
    (T::name().into_owned(), T::schema())
}
