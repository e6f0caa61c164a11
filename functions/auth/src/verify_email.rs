use crate::{App, mailing::hash_of};
use axum::extract::State;
use contract::EmailVerification;
use domain::{Aggregate, Code, Fault, MailKind, SessionId, Timestamp, UserId};
use mysql::Tx;
use projection::Changed;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Json, NoContent, StoreProblems};

web::problems!(
    /// The same answer for a token that is malformed, unknown, used, replaced or late, and for one that was sent to another address.
    pub(crate) MailTokenProblems: MailTokenInvalid
);

/// Confirms the caller's e-mail address by the token of a mail, and ends all other sessions of the account.
///
/// The token alone is not enough: only who is logged in confirms an address. So nobody confirms the account that somebody else has
/// registered with their address.
#[utoipa::path(post, path = "/auth/verify-email", tag = "auth", security(("bearer" = [])), request_body = EmailVerification,
    responses((status = 204, description = "The address is confirmed and all other sessions are ended."),
        MailTokenProblems, BodyProblems, CallerProblems, StoreProblems))]
#[tracing::instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn verify_email(
    State(app): State<App>,
    caller: Caller,
    Json(verification): Json<EmailVerification>,
) -> ApiResult<NoContent> {
    let (token_hash, at) = (hash_of(&verification.token)?, app.backend.clock.now());
    let projector = &app.backend.projector;
    // Without a lock, so that refused requests block nobody.
    if projector.mysql.mails().find_owner(MailKind::VerifyEmail, &token_hash, at).await? != Some(caller.id) {
        return Err(Code::MailTokenInvalid.into());
    }
    projector.change(Verify { user: caller.id, kept: caller.session, token_hash, at }, verify).await?;
    tracing::info!("Verified an e-mail address");
    Ok(NoContent)
}

#[derive(Clone)]
struct Verify {
    user: UserId,
    kept: SessionId,
    token_hash: String,
    at: Timestamp,
}

async fn verify(tx: &mut Tx, command: Verify) -> Result<Changed<()>, Fault> {
    let Verify { user, kept, token_hash, at } = command;
    let touched = vec![Aggregate::Person(user), Aggregate::Sessions(user)];
    if !tx.users().verify_email(user, at).await?
        || !tx.mails().take(MailKind::VerifyEmail, &token_hash, user, at).await?
    {
        return Err(Code::MailTokenInvalid.into());
    }
    tx.sessions().revoke_others(&kept, user, at).await?;
    tx.outbox().insert(&touched, at).await?;
    Ok(Changed::quietly(touched, ()))
}
