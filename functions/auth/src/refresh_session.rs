use crate::{App, delete_session::EndSession};
use axum::extract::State;
use contract::{RefreshGrant, Tokens};
use credentials::{RefreshToken, hash_hex};
use domain::{Code, Fault, Refresh, Timestamp, UserId};
use mysql::Tx;
use web::{ApiResult, BodyProblems, ClientIp, Json, LimitProblems, StoreProblems};

web::problems!(
    /// The same answer for a malformed token, a replaced one, and one of an ended session.
    pub(crate) RefreshProblems: RefreshTokenInvalid
);

/// Replaces the tokens of a session.
///
/// If the answer was lost, the previous refresh token gets the same refresh token again: for 10 seconds, and as long as it is the
/// newest where the request names the same `attempt` as the lost one. Anything older counts as stolen: it ends the session.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", security(()), request_body = RefreshGrant,
    responses((status = 200, description = "The new tokens of the session.", body = Tokens),
        BodyProblems, RefreshProblems, LimitProblems, StoreProblems))]
#[tracing::instrument(skip_all)]
pub(crate) async fn refresh_session(
    State(app): State<App>,
    ClientIp(ip): ClientIp,
    Json(grant): Json<RefreshGrant>,
) -> ApiResult<Json<Tokens>> {
    let attempt = grant.parse()?;
    let (limits, limit) = (app.backend.projector.mongo.limits(), app.backend.limits.sign_ins);
    // A session has a bucket of its own: many people may share an address.
    let Some(token) = app.refresh_tokens.verify(&grant.refresh_token) else {
        limits.spend(&format!("refresh:{ip}"), limit).await?;
        return Err(Code::RefreshTokenInvalid.into());
    };
    limits.spend(&format!("refresh:{}", token.session), limit).await?;
    let (session, at) = (token.session.clone(), app.backend.clock.now());
    let attempt_hash = attempt.map(|attempt| hash_hex(format!("{session} {}", attempt.as_str()).as_bytes()));
    let command = Present { token, attempt_hash, at };
    match app.backend.projector.mysql.transact(command, present).await? {
        Some((user, Refresh::Rotate(generation) | Refresh::Repeat(generation))) => {
            Ok(Json(app.issue(user, &session, generation, at)?))
        }
        Some((user, Refresh::Revoke)) => {
            EndSession { id: session, user, at }.run(&app).await?;
            tracing::warn!(user.id = %user, "A refresh token came again after it was replaced: ended its session");
            Err(Code::RefreshTokenInvalid.into())
        }
        Some((_, Refresh::Refuse)) | None => Err(Code::RefreshTokenInvalid.into()),
    }
}

#[derive(Clone)]
struct Present {
    token: RefreshToken,
    attempt_hash: Option<String>,
    at: Timestamp,
}

/// Whose login it is and what becomes of the token; a new generation is noted.
async fn present(tx: &mut Tx, command: Present) -> Result<Option<(UserId, Refresh)>, Fault> {
    let Present { token, attempt_hash, at } = command;
    let Some(family) = tx.sessions().lock(&token.session).await? else { return Ok(None) };
    let refresh = family.present(token.generation, attempt_hash.as_deref(), at);
    if let Refresh::Rotate(generation) = refresh {
        tx.sessions().rotate(&family.id, generation, attempt_hash.as_deref(), at).await?;
    }
    Ok(Some((family.user, refresh)))
}
