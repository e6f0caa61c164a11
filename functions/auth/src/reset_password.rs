use crate::{App, mailing::hash_of, verify_email::MailTokenProblems};
use axum::extract::State;
use contract::PasswordReset;
use credentials::hash_password;
use domain::{Aggregate, Code, Fault, MailKind, Timestamp, UserId};
use mysql::Tx;
use projection::Changed;
use web::{ApiResult, BodyProblems, ClientIp, Json, LimitProblems, NoContent, StoreProblems};

/// Sets a new password by the token of a mail, ends all sessions of the account, and confirms its e-mail address.
///
/// The token is valid once. The account's owner logs in with the new password afterwards.
#[utoipa::path(post, path = "/auth/password-reset", tag = "auth", security(()), request_body = PasswordReset,
    responses((status = 204, description = "The password is set and all sessions are ended."),
        MailTokenProblems, BodyProblems, LimitProblems, StoreProblems))]
#[tracing::instrument(skip_all)]
pub(crate) async fn reset_password(
    State(app): State<App>,
    ClientIp(ip): ClientIp,
    Json(reset): Json<PasswordReset>,
) -> ApiResult<NoContent> {
    let (password, token_hash, at) = (reset.parse()?, hash_of(&reset.token)?, app.backend.clock.now());
    let projector = &app.backend.projector;
    projector.mongo.limits().spend(&format!("reset:{ip}"), app.backend.limits.sign_ins).await?;
    let owner = projector.mysql.mails().find_owner(MailKind::ResetPassword, &token_hash, at).await?;
    let user = owner.ok_or(Code::MailTokenInvalid)?;
    let password_hash = hash_password(&password, app.backend.random)?;
    projector.change(Reset { user, token_hash, password_hash, at }, reset_all).await?;
    tracing::info!(user.id = %user, "Reset a password");
    Ok(NoContent)
}

#[derive(Clone)]
struct Reset {
    user: UserId,
    token_hash: String,
    password_hash: String,
    at: Timestamp,
}

/// Whatever anybody had of the account is worth nothing afterwards: its sessions, its password, its mails.
async fn reset_all(tx: &mut Tx, command: Reset) -> Result<Changed<()>, Fault> {
    let Reset { user, token_hash, password_hash, at } = command;
    let touched = vec![Aggregate::Person(user), Aggregate::Sessions(user)];
    let is_active = tx.users().reset_password(user, &password_hash, at).await?;
    if !is_active || !tx.mails().take(MailKind::ResetPassword, &token_hash, user, at).await? {
        return Err(Code::MailTokenInvalid.into());
    }
    tx.mails().remove_of(user, MailKind::VerifyEmail).await?;
    tx.sessions().revoke_all(user, at).await?;
    tx.outbox().insert(&touched, at).await?;
    Ok(Changed::quietly(touched, ()))
}
