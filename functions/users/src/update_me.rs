use crate::App;
use axum::extract::State;
use contract::{AccountChange, AccountView};
use domain::{Aggregate, Code, Fault, Limit, Patch, PrivacyPatch, Timestamp, User, UserId};
use mongo::Bucket;
use mysql::{AccountPatch, Names, Tx};
use presence::{Patience, Watcher};
use projection::{Changed, Projector};
use tracing::instrument;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Json, StoreProblems};

/// How often somebody may begin or cease to hide: each time all of their friends are told.
const SHOWING: Limit = Limit { burst: 5, per_minute: 1 };

/// Changes the caller's account.
///
/// A field that is absent stays as it is.
#[utoipa::path(
    put, path = "/users/me", operation_id = "update_me", tag = "users", security(("bearer" = [])),
    request_body = AccountChange,
    responses(
        (status = 200, description = "The account as of the change.", body = AccountView),
        BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn update_me(
    State(app): State<App>,
    caller: Caller,
    Json(change): Json<AccountChange>,
) -> ApiResult<Json<AccountView>> {
    let (display_name, status_message, locale, privacy) = change.parse()?;
    let patch = AccountPatch { display_name, status_message, locale };
    if privacy.presence_visibility.is_some() {
        let gates = app.projector.mongo.gates();
        gates.pass(caller.id, &caller.session, Bucket::Visibility, SHOWING).await?.admit()?;
    }
    let command = Update { user: caller.id, patch, privacy, at: app.clock.now() };
    let account = app.projector.change(command, update_account).await?;
    if privacy.presence_visibility.is_some() {
        show_or_hide(&app, caller.id).await?;
    }
    Ok(Json(account.into()))
}

/// Tells friends what follows from the setting. A look that began before it was projected must not tell anything after the answer.
async fn show_or_hide(app: &App, user: UserId) -> Result<(), Fault> {
    let Projector { mongo, announcer, clock, .. } = app.projector.clone();
    mongo.presence().stir(&[user]).await?;
    let watcher = Watcher { mongo, announcer, clock };
    watcher.reconcile(&[user], Patience::Tell).await.map(drop)
}

#[derive(Clone)]
struct Update {
    user: UserId,
    patch: AccountPatch,
    privacy: PrivacyPatch,
    at: Timestamp,
}

async fn update_account(tx: &mut Tx, command: Update) -> Result<Changed<User>, Fault> {
    let Update { user, patch, privacy, at } = command;
    if !tx.users().update(user, &patch, at).await? {
        return Err(Code::Unauthenticated.into());
    }
    if patch.display_name != Patch::Keep {
        tx.users().remove_display_name(user).await?;
    }
    if let Patch::Set(name) = patch.display_name {
        let display_name = Some(name.as_str().to_owned());
        tx.users().insert_names(&[Names { user, username: None, display_name }]).await?;
    }
    tx.settings().update(user, privacy, at).await?;
    let touched = vec![Aggregate::Person(user)];
    tx.outbox().insert(&touched, at).await?;
    let account = tx.users().find(user).await?.ok_or(Code::Unauthenticated)?;
    Ok(Changed::quietly(touched, account))
}
