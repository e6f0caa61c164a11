use crate::{App, turn::notices};
use axum::extract::State;
use contract::{FriendRequest, FriendshipView};
use domain::{Aggregate, Asking, Code, Fault, Friendship, FriendshipStatus, Invalid, News, Timestamp, UserId};
use mongo::Bucket;
use mysql::Tx;
use projection::Changed;
use tracing::instrument;
use web::{ApiResult, Bearer, BodyProblems, CallerProblems, Json, LimitProblems, MadeOrFound, StoreProblems};

web::problems!(RequestProblems: UserNotFound, UserBlocked);

/// Sends a friend request.
///
/// If the other person has sent one to the caller, it is accepted instead.
#[utoipa::path(
    post, path = "/friends/request", operation_id = "request_friend", tag = "friends", security(("bearer" = [])),
    request_body = FriendRequest,
    responses(
        (status = 201, description = "The new request.", body = FriendshipView),
        (status = 200, description = "The existing friendship or request; accepted if the other person had sent it.",
            body = FriendshipView),
        RequestProblems, LimitProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn request_friend(
    State(app): State<App>,
    caller: Bearer,
    Json(request): Json<FriendRequest>,
) -> ApiResult<MadeOrFound<FriendshipView>> {
    caller.spend(&app.projector.mongo, Bucket::FriendRequests, app.limits.friend_requests).await?;
    if request.user_id == caller.id {
        return Err(Fault::field("user_id", Invalid::Unsupported).into());
    }
    let command = Ask { requester: caller.id, addressee: request.user_id, at: app.clock.now() };
    Ok(app.projector.change(command, ask).await?.map(FriendshipView::from))
}

#[derive(Debug, Clone, Copy)]
struct Ask {
    requester: UserId,
    addressee: UserId,
    at: Timestamp,
}

async fn ask(tx: &mut Tx, command: Ask) -> Result<Changed<MadeOrFound<Friendship>>, Fault> {
    let Ask { requester, addressee, at } = command;
    let pair = [requester, addressee];
    tx.users().lock_active_pair(pair).await?;
    let blocks = tx.blocks().list_between(pair).await?;
    if blocks.contains(&addressee) {
        return Err(Code::UserNotFound.into());
    }
    if blocks.contains(&requester) {
        return Err(Code::UserBlocked.into());
    }
    let between = tx.friendships().find_between(pair).await?;
    let touched = pair.map(Aggregate::Person).to_vec();
    let (news, friendship) = match (Friendship::ask(between.as_ref(), requester), between) {
        (Asking::Stands, Some(friendship)) => {
            return Ok(Changed::quietly(touched, MadeOrFound::Found(friendship)));
        }
        (Asking::Accepts, Some(friendship)) => {
            tx.friendships().update(friendship.id, FriendshipStatus::Accepted, at).await?;
            let accepted = Friendship { status: FriendshipStatus::Accepted, updated_at: at, ..friendship };
            (News::Accepted, MadeOrFound::Found(accepted))
        }
        (_, over) => {
            if let Some(over) = over {
                tx.friendships().remove(over.id).await?;
            }
            (News::Requested, MadeOrFound::Made(tx.friendships().insert(requester, addressee, at).await?))
        }
    };
    tx.users().raise_versions(&pair).await?;
    tx.outbox().insert(&touched, at).await?;
    let (MadeOrFound::Made(told) | MadeOrFound::Found(told)) = &friendship;
    let notices = notices(tx, told, news, requester).await?;
    Ok(Changed { touched, notices, answer: friendship })
}
