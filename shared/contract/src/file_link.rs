use domain::{Fault, Invalid, MessageId, RoomId, Timestamp, UploadId, UserId, VariantName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most files of one request for links.
const MOST_LINKS: usize = 50;

/// Files to show or to download.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLinks {
    /// The files. One may stand here several times, with other variants.
    #[schema(min_items = 1, max_items = 50)]
    pub items: Vec<NewLink>,
}

/// A file of a message, or the picture of a person or a group: one of `message_id`, `user_id` and `room_id` says where it is shown.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    /// The message that has it.
    pub message_id: Option<MessageId>,
    /// The person who shows it.
    pub user_id: Option<UserId>,
    /// The group that shows it.
    pub room_id: Option<RoomId>,
    /// The file's id, or that of a video's poster. Of pictures of people and groups there are `small` and `large` alone.
    pub id: UploadId,
    /// Which copy of the file; `original` unless given.
    #[serde(default)]
    pub variant: FileVariant,
}

/// A file that somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkedFile {
    /// Where it is shown.
    pub place: FilePlace,
    /// Which.
    pub id: UploadId,
    /// Which copy of it.
    pub variant: FileVariant,
}

/// Where a file is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilePlace {
    /// In a message.
    Message(MessageId),
    /// As a person's picture.
    Person(UserId),
    /// As a group's picture.
    Group(RoomId),
}

/// A copy of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileVariant {
    /// The file itself, which a browser saves.
    #[default]
    Original,
    /// A picture for lists.
    Small,
    /// A picture for the screen.
    Large,
}

/// Links to files, in the order in which they were asked for.
#[derive(Serialize, ToSchema)]
pub struct FileLinks {
    /// The links.
    pub items: Vec<FileLink>,
}

/// A link to a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileLink {
    /// The file's id.
    pub id: UploadId,
    /// Which copy of the file.
    pub variant: FileVariant,
    /// Where `GET` finds the file, without an access token. It is a secret. Null if the caller may not read the file, and if there is
    /// no such file or copy, or not any more.
    #[schema(
        required = true,
        example = "https://bucket.s3.ap-northeast-2.amazonaws.com/9f2c4d1e8a7b4c3d9e0f112233445566/original?X-Amz-Signature=…"
    )]
    pub url: Option<String>,
    /// When the link ends: ask for another one, also where it is refused earlier. Null without a link.
    #[schema(required = true)]
    pub expires_at: Option<Timestamp>,
}

impl NewLinks {
    /// The files, if there are not too many, and each is shown at one place.
    pub fn parse(self) -> Result<Vec<LinkedFile>, Fault> {
        match self.items.len() {
            0 => Err(Fault::field("items", Invalid::TooShort)),
            1..=MOST_LINKS => self.items.iter().enumerate().map(|(number, link)| link.parse(number)).collect(),
            _ => Err(Fault::field("items", Invalid::TooLong)),
        }
    }
}

impl NewLink {
    fn parse(&self, number: usize) -> Result<LinkedFile, Fault> {
        let place = match (self.message_id, self.user_id, self.room_id) {
            (Some(message), None, None) => FilePlace::Message(message),
            (None, Some(user), None) => FilePlace::Person(user),
            (None, None, Some(room)) => FilePlace::Group(room),
            (None, None, None) => return Err(Fault::field(format!("items.{number}.message_id"), Invalid::Required)),
            _ => return Err(Fault::field(format!("items.{number}"), Invalid::Contradiction)),
        };
        Ok(LinkedFile { place, id: self.id, variant: self.variant })
    }
}

impl FileVariant {
    /// The name of the smaller copy; `None` of the file itself.
    pub const fn copy(self) -> Option<VariantName> {
        match self {
            Self::Original => None,
            Self::Small => Some(VariantName::Small),
            Self::Large => Some(VariantName::Large),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn parsed(item: &Value) -> Result<Vec<LinkedFile>, Fault> {
        serde_json::from_value::<NewLinks>(json!({"items": [item]})).unwrap().parse()
    }

    #[test]
    fn file_is_shown_at_one_place() {
        let id = "ab".repeat(16);
        let group = parsed(&json!({"room_id": 7, "id": id, "variant": "small"})).unwrap();
        let expected =
            LinkedFile { place: FilePlace::Group(RoomId(7)), id: UploadId([0xab; 16]), variant: FileVariant::Small };
        assert_eq!(group, [expected]);
        for (item, field, reason) in [
            (json!({"id": id}), "items.0.message_id", Invalid::Required),
            (json!({"user_id": 3, "room_id": 7, "id": id}), "items.0", Invalid::Contradiction),
        ] {
            let refused = parsed(&item).unwrap_err();
            assert_eq!((&*refused.fields[0].field, refused.fields[0].reason), (field, reason));
        }
    }
}
