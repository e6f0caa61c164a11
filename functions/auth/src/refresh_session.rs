use crate::{App, delete_session::EndSession, tokens::Tokens};
use axum::extract::State;
use credentials::RefreshToken;
use domain::{Code, Fault, Refresh, Timestamp, UserId};
use mysql::Tx;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{ApiResult, BodyProblems, ClientIp, Json, LimitProblems, StoreProblems};

/// A login that is to go on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshGrant {
    /// The newest that the login has given.
    #[schema(example = "0f8fad5bd9cb469fa16570867728950e.1.dGFn")]
    refresh_token: String,
}

web::problems!(
    /// The same for a token that is none, one that was replaced, and one of a login that is over.
    pub(crate) RefreshProblems: RefreshTokenInvalid
);

/// Gets new tokens for old. The token before the newest one gets the same again for 10 s, an older one ends the login.
///
/// Round trips: one to MongoDB, four to MySQL; those of a logout where the login ends.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", security(()), request_body = RefreshGrant,
    responses((status = 200, description = "New tokens of the session.", body = Tokens),
        BodyProblems, RefreshProblems, LimitProblems, StoreProblems))]
#[tracing::instrument(skip_all)]
pub(crate) async fn refresh_session(
    State(app): State<App>,
    ClientIp(ip): ClientIp,
    Json(grant): Json<RefreshGrant>,
) -> ApiResult<Json<Tokens>> {
    app.projector.mongo.spend(&format!("refresh:{ip}"), app.sign_in_limit).await?;
    let token = app.refresh_tokens.verify(&grant.refresh_token).ok_or(Code::RefreshTokenInvalid)?;
    let (session, at) = (token.session.clone(), app.clock.now());
    let command = Present { token, at };
    match app.projector.mysql.transact(command, present).await? {
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
    at: Timestamp,
}

/// Whose login it is and what becomes of the token; a new generation is noted.
async fn present(tx: &mut Tx, command: Present) -> Result<Option<(UserId, Refresh)>, Fault> {
    let Present { token, at } = command;
    let Some(family) = tx.sessions().lock(&token.session).await? else { return Ok(None) };
    let refresh = family.present(token.generation, at);
    if let Refresh::Rotate(generation) = refresh {
        tx.sessions().rotate(&family.id, generation, at).await?;
    }
    Ok(Some((family.user, refresh)))
}
