use domain::{Participant, Picture, Profile, Seen, Timestamp, UploadId, UserId};
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::{IntoParams, ToSchema};

/// What everyone may see of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProfileView {
    /// The person's id.
    pub id: UserId,
    /// The unique username.
    #[schema(example = "gildong")]
    pub username: String,
    /// The display name; null if none is set.
    #[schema(required = true, example = "홍길동")]
    pub display_name: Option<String>,
    /// The status message; null if none is set.
    #[schema(required = true, example = "오늘도 화이팅")]
    pub status_message: Option<String>,
    /// The person's picture; null if they show none.
    #[schema(required = true)]
    pub avatar: Option<PictureView>,
}

/// The picture that a person or a group shows. `POST /files/links` finds it: `small` is 96 pixels wide and high, `large` at most 512.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PictureView {
    /// The picture's id. Another picture has another one.
    pub id: UploadId,
    /// What to show until the picture is there: some 25 bytes in base64 (evanw.github.io/thumbhash).
    #[schema(example = "3OcRJYB4d3h/iIeHeEh3eIhw+j2w")]
    pub thumbhash: String,
}

impl fmt::Debug for PictureView {
    // A thumbhash shows what the picture shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PictureView").field("id", &self.id).finish_non_exhaustive()
    }
}

impl From<Picture> for PictureView {
    fn from(Picture { id, thumbhash }: Picture) -> Self {
        Self { id, thumbhash }
    }
}

/// A picture to show, which was uploaded for it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPicture {
    /// An upload of the caller's that is `ready` and has the purpose `avatar`, or `group_picture` for a group.
    pub upload_id: UploadId,
}

/// What the caller may see of a person: of a friend also whether they are online.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonView {
    /// What everyone may see.
    #[serde(flatten)]
    pub profile: ProfileView,
    /// Whether the person is online; false of a friend who hides it, and of every friend while the caller does. Null of whoever is no
    /// friend.
    #[schema(required = true)]
    pub is_online: Option<bool>,
    /// When the friend was last online, to the minute, hour or day; null while they are, after 30 days, where it is hidden, and of
    /// whoever is no friend.
    #[schema(required = true)]
    pub last_seen_at: Option<Timestamp>,
}

/// A person in a room or on the caller's block list, listed even if the account is gone.
#[derive(Debug, Serialize, ToSchema)]
pub struct ParticipantView {
    /// The person's id.
    pub id: UserId,
    /// The unique username; null if the person is not available.
    #[schema(required = true, example = "gildong")]
    pub username: Option<String>,
    /// The display name; null if none is set or the person is not available.
    #[schema(required = true, example = "홍길동")]
    pub display_name: Option<String>,
    /// The status message; null if none is set or the person is not available.
    #[schema(required = true, example = "오늘도 화이팅")]
    pub status_message: Option<String>,
    /// The person's picture; null if they show none or the person is not available.
    #[schema(required = true)]
    pub avatar: Option<PictureView>,
    /// False if the account is deleted, or looks deleted to the caller.
    pub is_available: bool,
}

/// A search for people.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// The beginning of a username or display name, or the initial consonants of its Hangul: 1 to 50 characters.
    #[param(example = "ㅎㄱㄷ", min_length = 1)]
    pub q: String,
    /// The number of items, 1 to 100; 30 unless given.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<i64>,
    /// The `next_cursor` of the page before; the first page unless given.
    #[param(min_length = 1)]
    pub cursor: Option<String>,
}

impl From<Profile> for ProfileView {
    fn from(profile: Profile) -> Self {
        let Profile { id, username, display_name, status_message, avatar } = profile;
        Self { id, username, display_name, status_message, avatar: avatar.map(PictureView::from) }
    }
}

impl PersonView {
    /// A person; of a friend, with what is seen of them.
    pub fn of(profile: Profile, seen: Option<Seen>) -> Self {
        Self {
            profile: profile.into(),
            is_online: seen.map(|seen| seen.is_online),
            last_seen_at: seen.and_then(|seen| seen.last_seen_at),
        }
    }
}

impl From<Participant> for ParticipantView {
    fn from(Participant { profile, is_available }: Participant) -> Self {
        Self {
            id: profile.id,
            username: Some(profile.username).filter(|_| is_available),
            display_name: profile.display_name.filter(|_| is_available),
            status_message: profile.status_message.filter(|_| is_available),
            avatar: profile.avatar.filter(|_| is_available).map(PictureView::from),
            is_available,
        }
    }
}
