use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};
use strum::{EnumString, IntoStaticStr};

/// The text is not an id of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct IdError;

macro_rules! integer_id {
    ($(#[$doc:meta])* $name:ident($inner:ty), $example:tt) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = $example))]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                // One spelling per id: no sign, no leading zero.
                let canonical = text == "0" || (text.starts_with(|c: char| matches!(c, '1'..='9')) && text.bytes().all(|b| b.is_ascii_digit()));
                if !canonical {
                    return Err(IdError);
                }
                text.parse().map(Self).map_err(|_| IdError)
            }
        }
    };
}

integer_id!(
    /// Identifies a person.
    UserId(i32), 3
);
integer_id!(
    /// Identifies a room among those of its kind: a private and a group room may have the same id.
    RoomId(i32), 12
);
integer_id!(
    /// Identifies an invite to a group.
    InviteId(i32), 5
);
integer_id!(
    /// Identifies a friendship or a friend request. A new request between the same people gets a new id.
    FriendshipId(i32), 7
);
integer_id!(
    /// Numbers the messages of a room: a later message has a higher number. Numbers may skip.
    Seq(i64), 418
);
integer_id!(
    /// Numbers the changes of a room, edits and deletions included: a later change has a higher number. Numbers may skip.
    Rev(i64), 813
);

/// The kind of a room.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, EnumString, IntoStaticStr,
)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum RoomKind {
    /// Two people.
    Private,
    /// Two or more, with roles.
    Group,
}

impl RoomKind {
    /// The word on the wire and in the stores.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Names a room of either kind, such as `private:12` or `group:7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomKey {
    /// The kind that `id` belongs to.
    pub kind: RoomKind,
    /// The id among rooms of this kind.
    pub id: RoomId,
}

impl RoomKey {
    /// The key of a 1:1 room.
    pub const fn private(id: RoomId) -> Self {
        Self { kind: RoomKind::Private, id }
    }

    /// The key of a group.
    pub const fn group(id: RoomId) -> Self {
        Self { kind: RoomKind::Group, id }
    }
}

impl fmt::Display for RoomKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.id)
    }
}

impl FromStr for RoomKey {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let (kind, id) = text.split_once(':').ok_or(IdError)?;
        Ok(Self { kind: kind.parse().map_err(|_| IdError)?, id: id.parse()? })
    }
}

impl Serialize for RoomKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RoomKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(|_| D::Error::custom("invalid type: not a room name such as `private:12`"))
    }
}

/// An entity in MySQL that MongoDB has a copy of. The outbox names it when it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aggregate {
    /// A 1:1 room and the rights in it.
    PrivateRoom(RoomId),
    /// A group, the rights in it, and its system messages.
    GroupRoom(RoomId),
    /// A person with profile, friends and blocks.
    Person(UserId),
    /// A person's sessions, of which some were revoked.
    Sessions(UserId),
}

impl Aggregate {
    /// The word for its kind in the outbox.
    pub fn kind(self) -> &'static str {
        match self {
            Self::PrivateRoom(_) => RoomKind::Private.as_str(),
            Self::GroupRoom(_) => RoomKind::Group.as_str(),
            Self::Person(_) => "user",
            Self::Sessions(_) => "sessions",
        }
    }

    /// Its id among those of its kind.
    pub const fn number(self) -> i32 {
        match self {
            Self::PrivateRoom(room) | Self::GroupRoom(room) => room.0,
            Self::Person(user) | Self::Sessions(user) => user.0,
        }
    }

    /// The aggregate of a kind with an id.
    pub fn of(kind: &str, number: i32) -> Result<Self, IdError> {
        match kind {
            "private" => Ok(Self::PrivateRoom(RoomId(number))),
            "group" => Ok(Self::GroupRoom(RoomId(number))),
            "user" => Ok(Self::Person(UserId(number))),
            "sessions" => Ok(Self::Sessions(UserId(number))),
            _ => Err(IdError),
        }
    }
}

/// Reads lower-case hex digits.
pub(crate) fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], IdError> {
    let mut bytes = [0; N];
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(IdError);
    }
    hex::decode_to_slice(text, &mut bytes).map_err(|_| IdError)?;
    Ok(bytes)
}

/// A message: 24 lower-case hex digits, MongoDB's `ObjectId`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub [u8; 12]);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for MessageId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        parse_hex(text).map(Self)
    }
}

impl Serialize for MessageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|_| D::Error::custom("invalid type: not a message id"))
    }
}

/// One login on one device: 32 hex digits, chosen at random.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub String);

impl SessionId {
    /// A session id of 16 fresh random bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(hex::encode(bytes))
    }
}

impl FromStr for SessionId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        parse_hex::<16>(text).map(Self::from_bytes)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An open WebSocket, as API Gateway names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionId(pub String);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_name_has_one_spelling() {
        assert_eq!("private:12".parse(), Ok(RoomKey::private(RoomId(12))));
        for wrong in [
            "private:012",
            "private:+1",
            "private:-1",
            "Private:1",
            "private:",
            "12",
            "private:1 ",
            "dm:1",
            "private:99999999999",
        ] {
            assert_eq!(wrong.parse::<RoomKey>(), Err(IdError), "{wrong}");
        }
    }

    #[test]
    fn aggregate_round_trips_its_kind_and_number() {
        for aggregate in [
            Aggregate::PrivateRoom(RoomId(1)),
            Aggregate::GroupRoom(RoomId(2)),
            Aggregate::Person(UserId(3)),
            Aggregate::Sessions(UserId(4)),
        ] {
            assert_eq!(Aggregate::of(aggregate.kind(), aggregate.number()), Ok(aggregate));
        }
        assert_eq!(Aggregate::of("file", 1), Err(IdError));
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use crate::UploadId;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn message_id_reads_back(bytes: [u8; 12]) {
            prop_assert_eq!(MessageId(bytes).to_string().parse(), Ok(MessageId(bytes)));
        }

        #[test]
        fn room_name_reads_back(id in 0..i32::MAX) {
            let key = RoomKey { kind: RoomKind::Group, id: RoomId(id) };
            prop_assert_eq!(key.to_string().parse(), Ok(key));
        }

        #[test]
        fn id_has_one_spelling(text in ".*|[0-9a-fA-F]{24}|[0-9a-fA-F]{32}|[-+]?[0-9]{1,12}|(private|group|Group|dm):[-+0-9]{1,12}") {
            if let Ok(id) = text.parse::<MessageId>() { prop_assert_eq!(id.to_string(), &*text); }
            if let Ok(id) = text.parse::<UploadId>() { prop_assert_eq!(id.to_string(), &*text); }
            if let Ok(id) = text.parse::<SessionId>() { prop_assert_eq!(id.to_string(), &*text); }
            if let Ok(id) = text.parse::<UserId>() { prop_assert_eq!(id.to_string(), &*text); }
            if let Ok(seq) = text.parse::<Seq>() { prop_assert_eq!(seq.to_string(), &*text); }
            if let Ok(key) = text.parse::<RoomKey>() { prop_assert_eq!(key.to_string(), &*text); }
        }

        #[test]
        fn id_in_json_reads_back(id: i32, seq: i64, bytes: [u8; 12], session: [u8; 16]) {
            let json = serde_json::to_string(&(UserId(id), Seq(seq), MessageId(bytes), SessionId::from_bytes(session))).unwrap();
            let read: (UserId, Seq, MessageId, SessionId) = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read, (UserId(id), Seq(seq), MessageId(bytes), SessionId::from_bytes(session)));
        }
    }
}
