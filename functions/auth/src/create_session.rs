use crate::{App, guess::Guess};
use axum::{
    extract::State,
    http::{HeaderMap, header},
};
use contract::{Login, PasswordGrant, Tokens};
use credentials::{Verdict, hash_password};
use domain::{Code, Email, Family, Fault, Password, SessionId, UserId};
use mysql::NewSession;
use web::{ApiResult, BodyProblems, ClientIp, Json, JsonOrForm, LimitProblems, StoreProblems};

/// Of the refresh token that a login starts with.
const FIRST_GENERATION: u32 = 1;

web::problems!(
    /// The same answer for an unknown address, a wrong password and an inactive account.
    pub(crate) LoginProblems: InvalidCredentials
);

/// Logs in and starts a session.
///
/// Takes JSON, or the form of the password grant of OAuth 2.0 (RFC 6749, 4.3) with the e-mail address as `username`.
#[utoipa::path(post, path = "/auth/login", tag = "auth", security(()),
    request_body(content((Login = "application/json"), (PasswordGrant = "application/x-www-form-urlencoded"))),
    responses((status = 200, description = "The tokens of the new session.", body = Tokens),
        BodyProblems, LoginProblems, LimitProblems, StoreProblems))]
#[tracing::instrument(skip_all)]
pub(crate) async fn create_session(
    State(app): State<App>,
    ClientIp(ip): ClientIp,
    headers: HeaderMap,
    body: JsonOrForm<Login, PasswordGrant>,
) -> ApiResult<Json<Tokens>> {
    app.backend.projector.mongo.limits().spend(&format!("login:{ip}"), app.backend.limits.sign_ins).await?;
    let login = match body {
        JsonOrForm::Json(login) => login,
        JsonOrForm::Form(grant) => grant.into(),
    };
    let (user, password_hash) = authenticate(&app, &login, &ip).await?;
    let (id, at) = (SessionId::from_bytes(app.backend.random.bytes()), app.backend.clock.now());
    let user_agent =
        headers.get(header::USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned());
    let new = NewSession { id: id.clone(), user, user_agent, at, expires_at: at.plus(Family::LIFE) };
    // The password may have been changed while it was compared.
    if !app.backend.projector.mysql.sessions().insert(new, &password_hash).await? {
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
    let found = app.backend.projector.mysql.users().find_credentials(&email.fold()).await?;
    let hash = found.as_ref().map(|found| found.password_hash.as_str());
    let verdict = Guess::of(&email.fold(), ip).check(app, &password, hash).await?;
    let found = found.filter(|found| found.is_active && verdict != Verdict::Wrong).ok_or(Code::InvalidCredentials)?;
    if verdict == Verdict::Right {
        return Ok((found.user, found.password_hash));
    }
    let new = hash_password(&password, app.backend.random)?;
    app.backend.projector.mysql.users().update_password_hash(found.user, &found.password_hash, &new).await?;
    Ok((found.user, new))
}
