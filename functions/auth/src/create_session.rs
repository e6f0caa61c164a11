use crate::App;
use axum::{
    extract::State,
    http::{HeaderMap, header},
};
use backend::Guess;
use contract::{Login, PasswordGrant, Tokens};
use credentials::{Verdict, hash_password, verify_password};
use domain::{Aggregate, Code, Email, Family, Fault, OrLog as _, SessionId, Timestamp, TypedPassword, UserId};
use mysql::{NewSession, SessionKey, Tx};
use projection::{Changed, Projector};
use std::time::Duration;
use web::{ApiResult, BodyProblems, ClientIp, Json, JsonOrForm, LimitProblems, StoreProblems};

/// Of the refresh token that a login starts with.
const FIRST_GENERATION: u32 = 1;

/// How many sessions of a person may be live or have ended while their access tokens live: each of these tokens is refused by
/// name. Who has the password and logs in again and again waits for them to expire.
const MOST_LATELY: i64 = 1_000;

/// How long they wait at a time.
const PAUSE: Duration = Duration::from_mins(1);

web::problems!(
    /// The same answer for an unknown address, a wrong password and an inactive account.
    pub(crate) LoginProblems: InvalidCredentials
);

/// Logs in and starts a session.
///
/// An account has at most 50 sessions: one more ends the oldest.
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
    // The next login tries it again, and so does `relay` once it is committed.
    end_excess(&app, user, &id, at).await.or_log("end the oldest session of too many");
    tracing::info!(user.id = %user, "Logged a user in");
    Ok(Json(app.issue(user, &id, FIRST_GENERATION, at)?))
}

/// Whose account it is, and the hash that its password has now. What can be nobody's address or password is refused like a
/// wrong one, and so is the password of an account that is not active, without being compared.
async fn authenticate(app: &App, login: &Login, ip: &str) -> Result<(UserId, String), Fault> {
    let email = Email::parse(&login.email).map_err(|_| Code::InvalidCredentials)?;
    let password = TypedPassword::parse(&login.password).map_err(|_| Code::InvalidCredentials)?;
    let Projector { mysql, mongo, token_lifetime, .. } = &app.backend.projector;
    let since = app.backend.clock.now().minus(*token_lifetime);
    let found = mysql.users().find_credentials(&email.fold(), since).await?.filter(|found| found.is_active);
    let hash = found.as_ref().map(|found| found.password_hash.as_str());
    let verdict = Guess::of_login(&email.fold(), ip).check(mongo, &password, hash).await?;
    let found = found.filter(|_| verdict != Verdict::Wrong).ok_or(Code::InvalidCredentials)?;
    if found.sessions >= MOST_LATELY {
        return Err(Fault::rate_limited(PAUSE));
    }
    if verdict == Verdict::Right {
        return Ok((found.user, found.password_hash));
    }
    let new = hash_password(password.password(), app.backend.random)?;
    if mysql.users().update_password_hash(found.user, &found.password_hash, &new).await? {
        return Ok((found.user, new));
    }
    // Another login has just replaced it, or the password is another one.
    let newest = mysql.users().find_password_hash(found.user).await?.ok_or(Code::InvalidCredentials)?;
    match verify_password(&password, Some(&newest)) {
        Verdict::Wrong => Err(Code::InvalidCredentials.into()),
        Verdict::Right | Verdict::RightAndWeak => Ok((found.user, newest)),
    }
}

/// Keeps at most as many live sessions as a person may have: with a new one, the oldest ends.
async fn end_excess(app: &App, user: UserId, newest: &SessionId, at: Timestamp) -> Result<(), Fault> {
    let projector = &app.backend.projector;
    let Some(from) = projector.mysql.sessions().find_excess(user, newest, Family::MOST, at).await? else {
        return Ok(());
    };
    let command = EndOldest { user, from, kept: newest.clone(), at };
    projector.change(command, end_oldest).await?;
    tracing::info!(user.id = %user, "Ended the oldest session of too many");
    Ok(())
}

#[derive(Clone)]
struct EndOldest {
    user: UserId,
    from: SessionKey,
    kept: SessionId,
    at: Timestamp,
}

async fn end_oldest(tx: &mut Tx, command: EndOldest) -> Result<Changed<()>, Fault> {
    let EndOldest { user, from, kept, at } = command;
    let touched = vec![Aggregate::Person(user), Aggregate::Sessions(user)];
    tx.users().raise_versions(&[user]).await?;
    tx.sessions().revoke_oldest(user, &from, &kept, at).await?;
    tx.outbox().insert(&touched, at).await?;
    Ok(Changed::quietly(touched, ()))
}
