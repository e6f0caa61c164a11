use crate::App;
use axum::extract::State;
use domain::{Aggregate, Code, Fault, Timestamp, UserId};
use mysql::Tx;
use projection::Changed;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, NoContent, Path, StoreProblems};

web::problems!(
    /// For a malformed id.
    UnblockProblems: UserNotFound
);

/// Unblocks a person.
///
/// An ended friendship is not restored. Unblocking a person who is not blocked changes nothing.
#[utoipa::path(
    delete, path = "/blocks/{user_id}", operation_id = "delete_block", tag = "blocks", security(("bearer" = [])),
    params(("user_id" = UserId, Path, description = "The blocked person's id.", example = 4)),
    responses(
        (status = 204, description = "The caller does not block this person."),
        UnblockProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn delete_block(
    State(app): State<App>,
    caller: Caller,
    Path(blocked): Path<UserId>,
) -> ApiResult<NoContent> {
    let command = Unblock { by: caller.id, blocked, at: app.clock.now() };
    match app.projector.change(command, remove_block).await {
        // A number that nobody has is answered as someone who is not blocked.
        Err(fault) if fault.code == Code::UserNotFound => Ok(NoContent),
        outcome => Ok(outcome.map(|()| NoContent)?),
    }
}

#[derive(Debug, Clone, Copy)]
struct Unblock {
    by: UserId,
    blocked: UserId,
    at: Timestamp,
}

async fn remove_block(tx: &mut Tx, command: Unblock) -> Result<Changed<()>, Fault> {
    let Unblock { by, blocked, at } = command;
    let pair = [by, blocked];
    if by == blocked {
        return Ok(Changed::quietly(Vec::new(), ()));
    }
    tx.users().lock_pair(pair).await?;
    let room = tx.private_rooms().find_by_pair(pair).await?;
    let mut touched = vec![Aggregate::Person(by)];
    touched.extend(room.map(Aggregate::PrivateRoom));
    if tx.blocks().find(by, blocked).await?.is_none() {
        return Ok(Changed::quietly(touched, ()));
    }
    if let Some(room) = room {
        tx.private_rooms().lock(room, at).await?;
    }
    tx.blocks().remove(by, blocked).await?;
    tx.users().raise_versions(&[by]).await?;
    tx.outbox().insert(&touched, at).await?;
    Ok(Changed::quietly(touched, ()))
}
