use crate::App;
use axum::{
    extract::State,
    http::{HeaderMap, header},
};
use credentials::verify_password;
use domain::{Code, Email, Fault, Password, SessionId, UserId};
use mysql::NewSession;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;
use web::{ApiResult, BodyProblems, Json, JsonOrForm, StoreProblems};

/// How long a login lasts, however much it is used.
const SESSION_LIFE: Duration = Duration::from_hours(90 * 24);
/// Of the refresh token that a login starts with.
const FIRST_GENERATION: u32 = 1;

/// Someone who logs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    #[schema(example = "minji@example.com")]
    email: String,
    #[schema(example = "correct horse battery", format = Password)]
    password: String,
}

/// The same as RFC 6749, 4.3 has it; `username` is the e-mail address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "clients send more than we need to know")]
pub(crate) struct PasswordGrant {
    username: String,
    #[schema(format = Password)]
    password: String,
    grant_type: Option<GrantType>,
    scope: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// The one grant that a login is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GrantType {
    Password,
}

/// What a login gives.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tokens {
    /// Goes into `Authorization: Bearer`.
    access_token: String,
    #[schema(value_type = String, example = "bearer")]
    token_type: &'static str,
    /// Seconds for which the access token is good.
    #[schema(example = 900)]
    expires_in: u64,
    /// Gets new tokens when these have expired.
    refresh_token: String,
}

web::problems!(
    /// The same for an unknown address, a wrong password and an inactive account.
    pub(crate) LoginProblems: InvalidCredentials
);

/// Logs someone in on a device.
///
/// Takes JSON, or the form of RFC 6749, 4.3. Round trips: two to MySQL.
#[utoipa::path(post, path = "/auth/login", tag = "auth", security(()),
    request_body(content((Login = "application/json"), (PasswordGrant = "application/x-www-form-urlencoded"))),
    responses((status = 200, description = "Tokens of a new session.", body = Tokens),
        BodyProblems, LoginProblems, StoreProblems))]
#[tracing::instrument(skip_all)]
pub(crate) async fn create_session(
    State(app): State<App>,
    headers: HeaderMap,
    body: JsonOrForm<Login, PasswordGrant>,
) -> ApiResult<Json<Tokens>> {
    let user = authenticate(&app, &body.into()).await?;
    let (id, at) = (SessionId::from_bytes(app.random.bytes()), app.clock.now());
    let user_agent =
        headers.get(header::USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned());
    let expires_at = at.plus(SESSION_LIFE);
    app.mysql.sessions().insert(NewSession { id: id.clone(), user, user_agent, at, expires_at }).await?;
    tracing::info!(user.id = %user, "Logged a user in");
    Ok(Json(Tokens {
        access_token: app.access_tokens.issue(user, &id, at)?,
        token_type: "bearer",
        expires_in: app.access_tokens.lifetime().as_secs(),
        refresh_token: app.refresh_tokens.issue(&id, FIRST_GENERATION),
    }))
}

/// Whose account it is. What can be nobody's address or password is refused like a wrong one.
async fn authenticate(app: &App, login: &Login) -> Result<UserId, Fault> {
    let email = Email::parse(&login.email).map_err(|_| Code::InvalidCredentials)?;
    let password = Password::parse(&login.password).map_err(|_| Code::InvalidCredentials)?;
    let found = app.mysql.users().find_credentials(&email.fold()).await?;
    let matches = verify_password(&password, found.as_ref().map(|found| found.password_hash.as_str()));
    match found {
        Some(found) if matches && found.is_active => Ok(found.user),
        _ => Err(Code::InvalidCredentials.into()),
    }
}

impl From<JsonOrForm<Self, PasswordGrant>> for Login {
    fn from(body: JsonOrForm<Self, PasswordGrant>) -> Self {
        match body {
            JsonOrForm::Json(login) => login,
            JsonOrForm::Form(grant) => Self { email: grant.username, password: grant.password },
        }
    }
}
