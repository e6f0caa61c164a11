use crate::App;
use axum::extract::State;
use domain::{Aggregate, Fault, Timestamp, UserId};
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
    if command.is_blocked(&app).await? {
        app.projector.change(command, remove_block).await?;
    }
    Ok(NoContent)
}

#[derive(Debug, Clone, Copy)]
struct Unblock {
    by: UserId,
    blocked: UserId,
    at: Timestamp,
}

impl Unblock {
    /// Whether there is a block to remove: otherwise nobody is locked. A number that nobody has is one who is not blocked.
    async fn is_blocked(self, app: &App) -> Result<bool, Fault> {
        let relation = app.projector.mysql.relations().find(self.by, self.blocked).await?;
        let Some(relation) = relation.filter(|_| self.by != self.blocked) else { return Ok(false) };
        if !relation.is_blocked {
            let mut touched = vec![Aggregate::Person(self.by)];
            touched.extend(relation.room.map(Aggregate::PrivateRoom));
            app.projector.catch_up(&touched).await?;
        }
        Ok(relation.is_blocked)
    }
}

async fn remove_block(tx: &mut Tx, command: Unblock) -> Result<Changed<()>, Fault> {
    let Unblock { by, blocked, at } = command;
    let pair = [by, blocked];
    tx.users().lock_pair(pair).await?;
    let room = tx.private_rooms().find_by_pair(pair).await?;
    let mut touched = vec![Aggregate::Person(by)];
    touched.extend(room.map(Aggregate::PrivateRoom));
    if tx.blocks().find(by, blocked).await?.is_none() {
        return Ok(Changed::quietly(touched, ()));
    }
    if let Some(room) = room {
        tx.private_rooms().lock(room).await?;
    }
    tx.blocks().remove(by, blocked).await?;
    tx.users().raise_versions(&[by]).await?;
    tx.outbox().insert(&touched, at).await?;
    Ok(Changed::quietly(touched, ()))
}
