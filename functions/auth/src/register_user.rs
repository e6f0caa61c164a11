use crate::App;
use axum::extract::State;
use credentials::hash_password;
use domain::{Aggregate, DisplayName, Email, Fault, Password, User, Username, fields};
use mysql::{Names, NewUser, Tx};
use serde::Deserialize;
use utoipa::ToSchema;
use web::{AccountView, ApiResult, BodyProblems, ClientIp, Created, Json, Language, LimitProblems, StoreProblems};

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
    #[schema(example = "김민지")]
    display_name: Option<String>,
}

web::problems!(
    /// What may be taken.
    pub(crate) RegisterProblems: EmailTaken, UsernameTaken
);

/// Signs someone up.
///
/// Round trips: one to MongoDB and five to MySQL, then those of `Projector::project`; what fails of these is left to `relay`.
#[utoipa::path(post, path = "/auth/register", tag = "auth", security(()), request_body = NewAccount,
    responses((status = 201, description = "The new account.", body = AccountView),
        BodyProblems, RegisterProblems, LimitProblems, StoreProblems))]
#[tracing::instrument(skip_all)]
pub(crate) async fn register_user(
    State(app): State<App>,
    ClientIp(ip): ClientIp,
    Language(locale): Language,
    Json(account): Json<NewAccount>,
) -> ApiResult<Created<AccountView>> {
    let (email, username, password, display_name) = account.parse()?;
    app.projector.mongo.spend(&format!("register:{ip}"), app.sign_in_limit).await?;
    let password_hash = hash_password(&password, app.random)?;
    let new = NewUser { email, username, display_name, password_hash, locale, at: app.clock.now() };
    let user = app.projector.mysql.transact(new, insert_user).await?;
    tracing::info!(user.id = %user.profile.id, "Registered a user");
    // The account is there whatever becomes of this: a refusal would be no truth, and asked for again it would be taken.
    if let Err(fault) = app.projector.project(Aggregate::Person(user.profile.id)).await {
        tracing::warn!("Left a new user to the relay: {:?}", fault.source);
    }
    Ok(Created(user.into()))
}

async fn insert_user(tx: &mut Tx, new: NewUser) -> Result<User, Fault> {
    let at = new.at;
    let user = tx.users().insert(new).await?;
    let profile = &user.profile;
    let (username, display_name) = (Some(profile.username.clone()), profile.display_name.clone());
    tx.users().insert_names(&[Names { user: profile.id, username, display_name }]).await?;
    tx.outbox().insert(&[Aggregate::Person(profile.id)], at).await?;
    Ok(user)
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
