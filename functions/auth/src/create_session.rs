use crate::{App, guess::Guess, tokens::Tokens};
use axum::{
    extract::State,
    http::{HeaderMap, header},
};
use credentials::{Verdict, hash_password};
use domain::{Code, Email, Family, Fault, Password, SessionId, UserId};
use mysql::NewSession;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{ApiResult, BodyProblems, ClientIp, Json, JsonOrForm, LimitProblems, StoreProblems};

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
    #[schema(example = "minji@example.com")]
    username: String,
    #[schema(example = "correct horse battery", format = Password)]
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

web::problems!(
    /// The same for an unknown address, a wrong password and an inactive account.
    pub(crate) LoginProblems: InvalidCredentials
);

/// Logs someone in on a device.
///
/// Takes JSON, or the form of RFC 6749, 4.3. Round trips: three to MongoDB (two limits, of which one is forgotten again)
/// and two to MySQL; one more where an older system's hash is replaced.
#[utoipa::path(post, path = "/auth/login", tag = "auth", security(()),
    request_body(content((Login = "application/json"), (PasswordGrant = "application/x-www-form-urlencoded"))),
    responses((status = 200, description = "Tokens of a new session.", body = Tokens),
        BodyProblems, LoginProblems, LimitProblems, StoreProblems))]
#[tracing::instrument(skip_all)]
pub(crate) async fn create_session(
    State(app): State<App>,
    ClientIp(ip): ClientIp,
    headers: HeaderMap,
    body: JsonOrForm<Login, PasswordGrant>,
) -> ApiResult<Json<Tokens>> {
    app.projector.mongo.spend(&format!("login:{ip}"), app.sign_in_limit).await?;
    let (user, password_hash) = authenticate(&app, &body.into(), &ip).await?;
    let (id, at) = (SessionId::from_bytes(app.random.bytes()), app.clock.now());
    let user_agent =
        headers.get(header::USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned());
    let new = NewSession { id: id.clone(), user, user_agent, at, expires_at: at.plus(Family::LIFE) };
    // The password may have been changed while it was compared.
    if !app.projector.mysql.sessions().insert(new, &password_hash).await? {
        return Err(Code::InvalidCredentials.into());
    }
    tracing::info!(user.id = %user, "Logged a user in");
    Ok(Json(app.issue(user, &id, FIRST_GENERATION, at)?))
}

/// Whose account it is, and the hash that its password has now. What can be nobody's address or password is refused like a
/// wrong one.
async fn authenticate(app: &App, login: &Login, ip: &str) -> Result<(UserId, String), Fault> {
    let email = Email::parse(&login.email).map_err(|_| Code::InvalidCredentials)?;
    let password = Password::parse_typed(&login.password).map_err(|_| Code::InvalidCredentials)?;
    let found = app.projector.mysql.users().find_credentials(&email.fold()).await?;
    let hash = found.as_ref().map(|found| found.password_hash.as_str());
    let verdict = Guess::of(&email.fold(), ip).check(app, &password, hash).await?;
    let found = found.filter(|found| found.is_active && verdict != Verdict::Wrong).ok_or(Code::InvalidCredentials)?;
    if verdict == Verdict::Right {
        return Ok((found.user, found.password_hash));
    }
    let new = hash_password(&password, app.random)?;
    app.projector.mysql.users().update_password_hash(found.user, &found.password_hash, &new).await?;
    Ok((found.user, new))
}

impl From<JsonOrForm<Self, PasswordGrant>> for Login {
    fn from(body: JsonOrForm<Self, PasswordGrant>) -> Self {
        match body {
            JsonOrForm::Json(login) => login,
            JsonOrForm::Form(grant) => Self { email: grant.username, password: grant.password },
        }
    }
}
