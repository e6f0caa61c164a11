use crate::App;
use axum::extract::State;
use backend::Guess;
use contract::AccountDeletion;
use credentials::Verdict;
use domain::{Aggregate, Code, Fault, TypedPassword, UserId};
use projection::{DeleteAccount, Projector};
use tracing::instrument;
use web::{Accepted, ApiResult, BodyProblems, Caller, CallerProblems, Json, StoreProblems};

web::problems!(DeleteProblems: WrongPassword);

/// Deletes the caller's account.
///
/// With the answer nobody can log in to the account, its tokens and connections are dead, it looks deleted to everybody, and its
/// e-mail address and username are free. Within minutes its friendships end and its messages become tombstones; its groups get
/// another owner, or are closed if nobody else is in them. This can't be undone.
#[utoipa::path(
    delete, path = "/users/me", operation_id = "delete_me", tag = "users", security(("bearer" = [])),
    request_body = AccountDeletion,
    responses(
        (status = 202, description = "The account is deleted; the rest of its data follows."),
        DeleteProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn delete_me(
    State(app): State<App>,
    caller: Caller,
    Json(deletion): Json<AccountDeletion>,
) -> ApiResult<Accepted> {
    let password = deletion.parse()?;
    let Some(password_hash) = authenticate(&app.projector, caller.id, &password).await? else {
        // An earlier request deleted it, and may have died before it took effect.
        app.projector.catch_up(&[Aggregate::Person(caller.id)]).await?;
        return Ok(Accepted);
    };
    app.projector.delete_account(DeleteAccount { user: caller.id, password_hash, at: app.clock.now() }).await?;
    tracing::info!("Deleted an account");
    Ok(Accepted)
}

/// The hash of the caller's password, which was shown; `None` for an account that is deleted already.
async fn authenticate(projector: &Projector, user: UserId, password: &TypedPassword) -> Result<Option<String>, Fault> {
    let users = || projector.mysql.users();
    let Some(hash) = users().find_password_hash(user).await? else {
        return if users().is_deleted(user).await? { Ok(None) } else { Err(Code::Unauthenticated.into()) };
    };
    match Guess::of_person(user).check(&projector.mongo, password, Some(&hash)).await? {
        Verdict::Wrong => Err(Code::WrongPassword.into()),
        Verdict::Right | Verdict::RightAndWeak => Ok(Some(hash)),
    }
}
