use crate::App;
use axum::extract::State;
use domain::{Aggregate, Code, DisplayName, Fault, Locale, Patch, StatusMessage, Timestamp, User, UserId, fields};
use mysql::{AccountPatch, Names, Tx};
use projection::Changed;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use web::{AccountView, ApiResult, BodyProblems, Caller, CallerProblems, Json, StoreProblems};

/// What is to change; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountChange {
    /// 1 to 100 characters on one line; null for none.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "홍길동")]
    display_name: Patch<String>,
    /// 1 to 255 characters on one line; null for none.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "오늘도 화이팅")]
    status_message: Patch<String>,
    /// The language to be written to in, `ko` or `en`.
    #[schema(value_type = Option<String>, example = "ko")]
    locale: Option<Locale>,
}

/// Changes the caller's account.
///
/// Round trips: one knows the caller; five to MySQL, two more for another shown name, then those of `Projector::project`.
#[utoipa::path(
    put, path = "/users/me", operation_id = "update_me", tag = "users", security(("bearer" = [])),
    request_body = AccountChange,
    responses(
        (status = 200, description = "The account as of the change", body = AccountView),
        BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn update_me(
    State(app): State<App>,
    caller: Caller,
    Json(change): Json<AccountChange>,
) -> ApiResult<Json<AccountView>> {
    let command = Update { user: caller.id, patch: change.parse()?, at: app.clock.now() };
    Ok(Json(app.projector.change(command, update_account).await?.into()))
}

#[derive(Clone)]
struct Update {
    user: UserId,
    patch: AccountPatch,
    at: Timestamp,
}

async fn update_account(tx: &mut Tx, command: Update) -> Result<Changed<User>, Fault> {
    let Update { user, patch, at } = command;
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
    let touched = vec![Aggregate::Person(user)];
    tx.outbox().insert(&touched, at).await?;
    let account = tx.users().find(user).await?.ok_or(Code::Unauthenticated)?;
    Ok(Changed::quietly(touched, account))
}

impl AccountChange {
    fn parse(self) -> Result<AccountPatch, Fault> {
        let (display_name, status_message) = fields((
            ("display_name", self.display_name.try_map(|text| DisplayName::parse(&text))),
            ("status_message", self.status_message.try_map(|text| StatusMessage::parse(&text))),
        ))?;
        Ok(AccountPatch { display_name, status_message, locale: self.locale })
    }
}
