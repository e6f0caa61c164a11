use crate::App;
use axum::extract::State;
use contract::{BlockView, NewBlock};
use domain::{
    Aggregate, Code, Fault, Friendship, FriendshipStatus, Invalid, MOST_BLOCKS, News, Notice, Timestamp, Turn, UserId,
};
use mysql::{Blocked, Tx};
use projection::Changed;
use tracing::instrument;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Json, MadeOrFound, StoreProblems};

web::problems!(BlockProblems: UserNotFound, TooManyBlocks);

/// Blocks a person.
///
/// To the blocked person, the caller looks like a deleted account. Neither of the two can write in their room any more, and a
/// friendship or request between them ends.
#[utoipa::path(
    post, path = "/blocks", operation_id = "create_block", tag = "blocks", security(("bearer" = [])),
    request_body = NewBlock,
    responses(
        (status = 201, description = "The new block.", body = BlockView),
        (status = 200, description = "The existing block.", body = BlockView),
        BlockProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn create_block(
    State(app): State<App>,
    caller: Caller,
    Json(block): Json<NewBlock>,
) -> ApiResult<MadeOrFound<BlockView>> {
    if block.user_id == caller.id {
        return Err(Fault::field("user_id", Invalid::Unsupported).into());
    }
    let command = Block { by: caller.id, blocked: block.user_id, at: app.clock.now() };
    let block = match command.find(&app).await? {
        Some(block) => MadeOrFound::Found(block),
        None => app.projector.change(command, insert_block).await?,
    };
    Ok(block.map(view))
}

#[derive(Debug, Clone, Copy)]
struct Block {
    by: UserId,
    blocked: UserId,
    at: Timestamp,
}

impl Block {
    /// The block that there is already, or a refusal: neither locks anybody.
    async fn find(self, app: &App) -> Result<Option<Blocked>, Fault> {
        let mysql = &app.projector.mysql;
        let relation = mysql.relations().find(self.by, self.blocked).await?.ok_or(Code::UserNotFound)?;
        if !relation.is_blocked {
            return Ok(None);
        }
        let mut touched = vec![Aggregate::Person(self.by), Aggregate::Person(self.blocked)];
        touched.extend(relation.room.map(Aggregate::PrivateRoom));
        app.projector.catch_up(&touched).await?;
        mysql.blocks().find(self.by, self.blocked).await
    }
}

async fn insert_block(tx: &mut Tx, command: Block) -> Result<Changed<MadeOrFound<Blocked>>, Fault> {
    let Block { by, blocked, at } = command;
    let pair = [by, blocked];
    // Deleted and unavailable accounts may be blocked as well, so that the answer reveals nothing.
    let active = tx.users().lock_pair(pair).await?;
    if !active.contains(&by) {
        return Err(Code::Unauthenticated.into());
    }
    let room = tx.private_rooms().find_by_pair(pair).await?;
    let (mut touched, mut raised) = (vec![Aggregate::Person(by)], vec![by]);
    touched.extend(room.map(Aggregate::PrivateRoom));
    if let Some(block) = tx.blocks().find(by, blocked).await? {
        return Ok(Changed::quietly(touched, MadeOrFound::Found(block)));
    }
    if tx.blocks().count(by).await? >= MOST_BLOCKS {
        return Err(Code::TooManyBlocks.into());
    }
    if let Some(room) = room {
        tx.private_rooms().lock(room).await?;
    }
    tx.blocks().insert(by, blocked, at).await?;
    let notices = end_friendship(tx, command).await?;
    if notices.is_some() {
        touched.push(Aggregate::Person(blocked));
        raised.push(blocked);
    }
    tx.users().raise_versions(&raised).await?;
    tx.outbox().insert(&touched, at).await?;
    let block = tx.blocks().find(by, blocked).await?.ok_or(Code::UserNotFound)?;
    let notices = notices.unwrap_or_default();
    Ok(Changed { notices, ..Changed::quietly(touched, MadeOrFound::Made(block)) })
}

/// Ends what is between the two, as one who unfriends does; `None` if there is nothing to end. Only the blocker is told: the
/// blocked one finds that the other one seems deleted.
async fn end_friendship(tx: &mut Tx, command: Block) -> Result<Option<Vec<Notice>>, Fault> {
    let Block { by, blocked, at } = command;
    let between: Option<Friendship> = tx.friendships().find_between([by, blocked]).await?;
    let Some(friendship) = between else { return Ok(None) };
    if friendship.end(by)? == Turn::Done {
        return Ok(None);
    }
    let over = friendship.changed_to(FriendshipStatus::Rejected, by, at);
    tx.friendships().update(&over).await?;
    let profiles = tx.users().list_profiles(&[by, blocked]).await?;
    let mut notices = over.notices(profiles, News::Removed, by);
    notices.retain(|notice| notice.to == by);
    Ok(Some(notices))
}

/// A block as its owner sees it.
pub(crate) fn view(block: Blocked) -> BlockView {
    BlockView { user: block.user.into(), created_at: block.at }
}
