use crate::{App, tokens::Tokens};
use axum::extract::State;
use credentials::RefreshToken;
use domain::{Aggregate, Code, Fault, Refresh, Timestamp, UserId};
use mysql::Tx;
use projection::Changed;
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
/// Round trips: one to MongoDB, four to MySQL; those of `Projector::change` where the login ends.
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
    let (user, generation) = app.projector.change(command, present).await?.ok_or(Code::RefreshTokenInvalid)?;
    Ok(Json(app.issue(user, &session, generation, at)?))
}

#[derive(Clone)]
struct Present {
    token: RefreshToken,
    at: Timestamp,
}

/// Whose login it is and which generation it has now; `None` where the token is refused.
async fn present(tx: &mut Tx, command: Present) -> Result<Changed<Option<(UserId, u32)>>, Fault> {
    let Present { token, at } = command;
    let Some(family) = tx.sessions().lock(&token.session).await? else {
        return Ok(Changed::quietly(Vec::new(), None));
    };
    let user = family.user;
    match family.present(token.generation, at) {
        Refresh::Rotate(generation) => {
            tx.sessions().rotate(&family.id, generation, at).await?;
            Ok(Changed::quietly(Vec::new(), Some((user, generation))))
        }
        Refresh::Repeat(generation) => Ok(Changed::quietly(Vec::new(), Some((user, generation)))),
        Refresh::Revoke => {
            tracing::warn!(user.id = %user, "A refresh token came again after it was replaced: ended its session");
            let touched = vec![Aggregate::Sessions(user)];
            tx.sessions().revoke(&family.id, user, at).await?;
            tx.outbox().insert(&touched, at).await?;
            Ok(Changed::quietly(touched, None))
        }
        Refresh::Refuse => Ok(Changed::quietly(Vec::new(), None)),
    }
}
