use crate::App;
use axum::extract::State;
use backend::Guess;
use contract::PasswordChange;
use credentials::{Verdict, hash_password};
use domain::{Aggregate, Code, Fault, SessionId, Timestamp, UserId};
use mongo::Bucket;
use mysql::Tx;
use projection::{Changed, Projector};
use web::{ApiResult, Bearer, BodyProblems, CallerProblems, Json, NoContent, StoreProblems};

web::problems!(PasswordProblems: WrongPassword);

/// Changes the caller's password and ends all other sessions of the account.
#[utoipa::path(put, path = "/auth/password", tag = "auth", security(("bearer" = [])), request_body = PasswordChange,
    responses((status = 204, description = "The password is changed and all other sessions are ended."),
        PasswordProblems, BodyProblems, CallerProblems, StoreProblems))]
#[tracing::instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn update_password(
    State(app): State<App>,
    caller: Bearer,
    Json(change): Json<PasswordChange>,
) -> ApiResult<NoContent> {
    let (current, new) = change.parse()?;
    let Projector { mysql, mongo, .. } = &app.backend.projector;
    caller.spend(mongo, Bucket::Passwords, app.backend.limits.sign_ins).await?;
    let old_hash = mysql.users().find_password_hash(caller.id).await?.ok_or(Code::Unauthenticated)?;
    if Guess::of_person(caller.id).check(mongo, &current, Some(&old_hash)).await? == Verdict::Wrong {
        return Err(Code::WrongPassword.into());
    }
    let new_hash = hash_password(&new, app.backend.random)?;
    let command = Replace { user: caller.id, kept: caller.session, old_hash, new_hash, at: app.backend.clock.now() };
    app.backend.projector.change(command, replace_password).await?;
    tracing::info!("Changed a password");
    Ok(NoContent)
}

#[derive(Clone)]
struct Replace {
    user: UserId,
    kept: SessionId,
    old_hash: String,
    new_hash: String,
    at: Timestamp,
}

async fn replace_password(tx: &mut Tx, command: Replace) -> Result<Changed<()>, Fault> {
    let Replace { user, kept, old_hash, new_hash, at } = command;
    // Of two changes at once the second has not shown the password that is current by then.
    if !tx.users().update_password_hash(user, &old_hash, &new_hash).await? {
        return Err(Code::WrongPassword.into());
    }
    let touched = vec![Aggregate::Person(user), Aggregate::Sessions(user)];
    tx.users().raise_versions(&[user]).await?;
    tx.sessions().revoke_others(&kept, user, at).await?;
    tx.outbox().insert(&touched, at).await?;
    Ok(Changed::quietly(touched, ()))
}
