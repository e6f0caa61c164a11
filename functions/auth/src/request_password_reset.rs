use crate::{App, request_email_verification::MailProblems};
use axum::extract::State;
use contract::PasswordResetRequest;
use domain::MailKind;
use web::{Accepted, ApiResult, BodyProblems, ClientIp, Json, LimitProblems, StoreProblems};

/// Sends a mail that lets its reader set a new password.
///
/// The answer is the same whether or not an account has the address; without one, no mail is sent. A mail takes the place of an
/// earlier one, whose link is not valid any more.
#[utoipa::path(post, path = "/auth/password-reset/request", tag = "auth", security(()), request_body = PasswordResetRequest,
    responses((status = 202, description = "If an account has the address, the mail is on its way."),
        MailProblems, BodyProblems, LimitProblems, StoreProblems))]
#[tracing::instrument(skip_all)]
pub(crate) async fn request_password_reset(
    State(app): State<App>,
    ClientIp(ip): ClientIp,
    Json(request): Json<PasswordResetRequest>,
) -> ApiResult<Accepted> {
    let (mailing, email_fold) = (app.mailing()?, request.parse()?.fold());
    let projector = &app.backend.projector;
    projector.mongo.limits().spend(&format!("reset:{ip}"), app.backend.limits.sign_ins).await?;
    app.spend_mail(MailKind::ResetPassword, &email_fold).await?;
    let mail = app.draw(mailing, MailKind::ResetPassword);
    // Whether there is an account is looked up after the answer.
    projector.mysql.mails().insert(&email_fold, &mail).await?;
    mailing.send_evenly(mail.token_hash).await;
    Ok(Accepted)
}
