use crate::App;
use axum::extract::State;
use domain::{Code, MailKind};
use web::{Accepted, ApiResult, Caller, CallerProblems, StoreProblems};

web::problems!(pub(crate) MailProblems: MailOff);

/// Sends the caller a mail that confirms their e-mail address.
///
/// It takes the place of an earlier one, whose link is not valid any more. An address that is confirmed gets no mail.
#[utoipa::path(post, path = "/auth/verify-email/request", tag = "auth", security(("bearer" = [])),
    responses((status = 202, description = "The mail is on its way."), MailProblems, CallerProblems, StoreProblems))]
#[tracing::instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn request_email_verification(State(app): State<App>, caller: Caller) -> ApiResult<Accepted> {
    let mailing = app.mailing()?;
    let user = app.backend.projector.mysql.users().find(caller.id).await?.ok_or(Code::Unauthenticated)?;
    app.spend_mail(MailKind::VerifyEmail, &user.email_fold()).await?;
    let mail = app.draw(mailing, MailKind::VerifyEmail);
    app.backend.projector.mysql.mails().insert_for_unverified(caller.id, &mail).await?;
    mailing.send(mail.token_hash).await;
    Ok(Accepted)
}
