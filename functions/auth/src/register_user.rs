use crate::App;
use axum::extract::State;
use credentials::hash_password;
use domain::{DisplayName, Email, Fault, Password, Timestamp, User, UserId, Username, fields};
use mysql::NewUser;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{ApiResult, BodyProblems, Created, Json, Language, StoreProblems};

/// Someone who signs up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccount {
    /// At most 255 characters, unique whatever its case.
    #[schema(example = "minji@example.com")]
    email: String,
    /// 2 to 50 letters and digits of any script and `_ . -`, unique whatever its case or width.
    #[schema(example = "민지")]
    username: String,
    /// 8 to 128 characters.
    #[schema(example = "correct horse battery", format = Password)]
    password: String,
    /// 1 to 100 characters.
    display_name: Option<String>,
}

/// An account as its owner sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountView {
    #[schema(value_type = i32, example = 3)]
    id: UserId,
    email: String,
    username: String,
    display_name: Option<String>,
    status_message: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

web::problems!(
    /// What may be taken.
    pub(crate) RegisterProblems: EmailTaken, UsernameTaken
);

/// Signs someone up.
///
/// Round trips: one to MySQL.
#[utoipa::path(post, path = "/auth/register", tag = "auth", security(()), request_body = NewAccount,
    responses((status = 201, description = "The new account.", body = AccountView),
        BodyProblems, RegisterProblems, StoreProblems))]
#[tracing::instrument(skip_all)]
pub(crate) async fn register_user(
    State(app): State<App>,
    Language(locale): Language,
    Json(account): Json<NewAccount>,
) -> ApiResult<Created<AccountView>> {
    let (email, username, password, display_name) = account.parse()?;
    let password_hash = hash_password(&password, app.random)?;
    let new = NewUser { email, username, display_name, password_hash, locale, at: app.clock.now() };
    let user = app.mysql.users().insert(new).await?;
    tracing::info!(user.id = %user.profile.id, "Registered a user");
    Ok(Created(user.into()))
}

impl NewAccount {
    fn parse(&self) -> Result<(Email, Username, Password, Option<DisplayName>), Fault> {
        fields((
            ("email", Email::parse(&self.email)),
            ("username", Username::parse(&self.username)),
            ("password", Password::parse(&self.password)),
            ("display_name", self.display_name.as_deref().map(DisplayName::parse).transpose()),
        ))
    }
}

impl From<User> for AccountView {
    fn from(user: User) -> Self {
        let User { profile, email, created_at, updated_at, .. } = user;
        let (username, display_name, status_message) = (profile.username, profile.display_name, profile.status_message);
        Self { id: profile.id, email, username, display_name, status_message, created_at, updated_at }
    }
}
