use crate::App;
use axum::extract::State;
use contract::{AccountView, NewAccount};
use credentials::hash_password;
use domain::{Aggregate, Fault, OrLog as _, User};
use mysql::{Names, NewMail, NewUser, Tx};
use web::{ApiResult, BodyProblems, ClientIp, Created, Json, Language, LimitProblems, StoreProblems};

web::problems!(
    /// Values that must be unique.
    pub(crate) RegisterProblems: EmailTaken, UsernameTaken
);

/// Registers an account.
///
/// The account's language is the one of `Accept-Language`. Where this server sends mail, one is sent that confirms the address,
/// unless that address had too many of them lately.
#[utoipa::path(post, path = "/auth/register", tag = "auth", security(()), request_body = NewAccount,
    responses((status = 201, description = "The new account.", body = AccountView),
        BodyProblems, RegisterProblems, LimitProblems, StoreProblems))]
#[tracing::instrument(skip_all)]
pub(crate) async fn register_user(
    State(app): State<App>,
    ClientIp(ip): ClientIp,
    Language(locale): Language,
    Json(account): Json<NewAccount>,
) -> ApiResult<Created<AccountView>> {
    let (email, username, password, display_name) = account.parse()?;
    app.backend.projector.mongo.limits().spend(&format!("register:{ip}"), app.backend.limits.sign_ins).await?;
    let mail = app.draw_welcome(&email).await?;
    let password_hash = hash_password(&password, app.backend.random)?;
    let new = NewUser { email, username, display_name, password_hash, locale, at: app.backend.clock.now() };
    let registration = Registration { new, mail: mail.clone() };
    let user = app.backend.projector.mysql.transact(registration, insert_user).await?;
    tracing::info!(user.id = %user.profile.id, "Registered a user");
    if let Some((mailing, mail)) = app.mailing.as_ref().zip(mail) {
        mailing.send(mail.token_hash).await;
    }
    // The account exists whether or not this works, and a retry would find its names taken; `relay` projects what is left.
    app.backend.projector.project(Aggregate::Person(user.profile.id)).await.or_log("project a new user");
    Ok(Created(user.into()))
}

#[derive(Clone)]
struct Registration {
    new: NewUser,
    mail: Option<NewMail>,
}

async fn insert_user(tx: &mut Tx, registration: Registration) -> Result<User, Fault> {
    let Registration { new, mail } = registration;
    let (at, email_fold) = (new.at, new.email.fold());
    let user = tx.users().insert(new).await?;
    let profile = &user.profile;
    let (username, display_name) = (Some(profile.username.clone()), profile.display_name.clone());
    tx.users().insert_names(&[Names { user: profile.id, username, display_name }]).await?;
    tx.outbox().insert(&[Aggregate::Person(profile.id)], at).await?;
    if let Some(mail) = mail {
        tx.mails().insert(&email_fold, &mail).await?;
    }
    Ok(user)
}
