use domain::{Locale, Timestamp, User, UserId};
use serde::Serialize;
use utoipa::ToSchema;

/// An account as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountView {
    /// The account's number.
    #[schema(value_type = i32, example = 3)]
    id: UserId,
    /// The address, which only its owner sees.
    #[schema(example = "minji@example.com")]
    email: String,
    /// The unique name.
    #[schema(example = "민지")]
    username: String,
    /// The shown name, where one was chosen.
    #[schema(required = true, example = "김민지")]
    display_name: Option<String>,
    /// The line about themselves, where there is one.
    #[schema(required = true, example = "오늘도 화이팅")]
    status_message: Option<String>,
    /// The language that they are written to in, `ko` or `en`.
    #[schema(value_type = String, example = "ko")]
    locale: Locale,
    /// When they signed up.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the account last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<User> for AccountView {
    fn from(user: User) -> Self {
        let User { profile, email, locale, created_at, updated_at } = user;
        let (username, display_name, status_message) = (profile.username, profile.display_name, profile.status_message);
        Self { id: profile.id, email, username, display_name, status_message, locale, created_at, updated_at }
    }
}
