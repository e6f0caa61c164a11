use domain::{Participant, UserId};
use serde::Serialize;
use utoipa::ToSchema;

/// Someone with whom one has a room, or whom one blocked: there, whatever became of the account.
#[derive(Debug, Serialize, ToSchema)]
pub struct ParticipantView {
    /// The person's number.
    #[schema(value_type = i32, example = 3)]
    id: UserId,
    /// The unique name; null where the person is not available.
    #[schema(required = true, example = "gildong")]
    username: Option<String>,
    /// The shown name, where one was chosen.
    #[schema(required = true, example = "홍길동")]
    display_name: Option<String>,
    /// The line about themselves, where there is one.
    #[schema(required = true, example = "오늘도 화이팅")]
    status_message: Option<String>,
    /// False for an account that is gone, and for one that is so for the caller.
    is_available: bool,
}

impl From<Participant> for ParticipantView {
    fn from(Participant { profile, is_available }: Participant) -> Self {
        Self {
            id: profile.id,
            username: Some(profile.username).filter(|_| is_available),
            display_name: profile.display_name.filter(|_| is_available),
            status_message: profile.status_message.filter(|_| is_available),
            is_available,
        }
    }
}
