use crate::{App, turn::notices, view::FriendshipView};
use axum::extract::State;
use domain::{Aggregate, Asking, Code, Fault, Friendship, FriendshipStatus, Invalid, News, Timestamp, UserId};
use mysql::Tx;
use projection::Changed;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Json, LimitProblems, MadeOrFound, StoreProblems};

/// Whom to ask.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FriendRequest {
    /// The other person.
    #[schema(value_type = i32, example = 4)]
    user_id: UserId,
}

web::problems!(RequestProblems: UserNotFound, UserBlocked);

/// Asks someone to be friends. If they have asked as well, the two are friends.
///
/// Round trips: one knows the caller, one the limit; nine to MySQL, ten where an old request makes way, then those of `Projector::project` for both people at
/// once and one for their connections.
#[utoipa::path(
    post, path = "/friends/request", operation_id = "request_friend", tag = "friends", security(("bearer" = [])),
    request_body = FriendRequest,
    responses(
        (status = 201, description = "The new request", body = FriendshipView),
        (status = 200, description = "The request or friendship that there is, accepted if the other one had asked",
            body = FriendshipView),
        RequestProblems, LimitProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn request_friend(
    State(app): State<App>,
    caller: Caller,
    Json(request): Json<FriendRequest>,
) -> ApiResult<MadeOrFound<FriendshipView>> {
    if request.user_id == caller.id {
        return Err(Fault::field("user_id", Invalid::Unsupported).into());
    }
    app.projector.mongo.spend(&format!("friend:{}", caller.id), app.request_limit).await?;
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
