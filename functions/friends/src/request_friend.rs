use crate::{
    App,
    turn::{admit_friend, notices},
};
use axum::extract::State;
use contract::{FriendRequest, FriendshipView};
use domain::{Aggregate, Asking, Code, Fault, Friendship, FriendshipStatus, Invalid, News, Timestamp, UserId};
use mongo::Bucket;
use mysql::Tx;
use projection::Changed;
use tracing::instrument;
use web::{ApiResult, Bearer, BodyProblems, CallerProblems, Json, MadeOrFound, StoreProblems};

web::problems!(RequestProblems: UserNotFound, UserBlocked, TooManyFriends);

/// Sends a friend request.
///
/// If the other person has sent one to the caller, it is accepted instead. Whoever has rejected a request is left in peace for a
/// day: a new one is answered as usual and shown to them when the day is over, without a push.
#[utoipa::path(
    post, path = "/friends/request", operation_id = "request_friend", tag = "friends", security(("bearer" = [])),
    request_body = FriendRequest,
    responses(
        (status = 201, description = "The new request.", body = FriendshipView),
        (status = 200, description = "The existing friendship or request; accepted if the other person had sent it.",
            body = FriendshipView),
        RequestProblems, BodyProblems, CallerProblems, StoreProblems,
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
    let asked = match command.find(&app).await? {
        Some(friendship) => MadeOrFound::Found(friendship),
        None => app.projector.change(command, ask).await?,
    };
    Ok(asked.map(FriendshipView::from))
}

#[derive(Debug, Clone, Copy)]
struct Ask {
    requester: UserId,
    addressee: UserId,
    at: Timestamp,
}

impl Ask {
    const fn pair(self) -> [UserId; 2] {
        [self.requester, self.addressee]
    }

    /// What stands between the two already, or a refusal: neither locks anybody.
    async fn find(self, app: &App) -> Result<Option<Friendship>, Fault> {
        let mysql = &app.projector.mysql;
        let relation = mysql.relations().find(self.requester, self.addressee).await?;
        let relation = relation.filter(|relation| relation.is_available).ok_or(Code::UserNotFound)?;
        if relation.is_blocked {
            return Err(Code::UserBlocked.into());
        }
        let between = mysql.friendships().find_between(self.pair()).await?;
        if Friendship::ask(between.as_ref(), self.requester, self.at) != Asking::Stands {
            return Ok(None);
        }
        app.projector.catch_up(&self.pair().map(Aggregate::Person)).await?;
        Ok(between)
    }
}

async fn ask(tx: &mut Tx, command: Ask) -> Result<Changed<MadeOrFound<Friendship>>, Fault> {
    let Ask { requester, addressee, at } = command;
    let pair = command.pair();
    tx.users().lock_active_pair(pair).await?;
    let blocks = tx.blocks().list_between(pair).await?;
    if blocks.contains(&addressee) {
        return Err(Code::UserNotFound.into());
    }
    if blocks.contains(&requester) {
        return Err(Code::UserBlocked.into());
    }
    let between = tx.friendships().find_between(pair).await?;
    let (concerned, news, friendship) = match (Friendship::ask(between.as_ref(), requester, at), between) {
        (Asking::Stands, Some(friendship)) => {
            let touched = pair.map(Aggregate::Person).to_vec();
            return Ok(Changed::quietly(touched, MadeOrFound::Found(friendship)));
        }
        (Asking::Accepts, Some(friendship)) => {
            admit_friend(tx, pair).await?;
            let accepted = friendship.changed_to(FriendshipStatus::Accepted, requester, at);
            tx.friendships().update(&accepted).await?;
            (pair.to_vec(), News::Accepted, MadeOrFound::Found(accepted))
        }
        (Asking::Quiet, Some(friendship)) => {
            let again = friendship.asked_again(at);
            tx.friendships().update(&again).await?;
            (vec![requester], News::Requested, MadeOrFound::Made(again))
        }
        (_, over) => {
            if let Some(over) = over {
                tx.friendships().remove(over.id).await?;
            }
            let new = tx.friendships().insert(requester, addressee, at).await?;
            (pair.to_vec(), News::Requested, MadeOrFound::Made(new))
        }
    };
    let touched: Vec<_> = concerned.iter().copied().map(Aggregate::Person).collect();
    tx.users().raise_versions(&concerned).await?;
    tx.outbox().insert(&touched, at).await?;
    let (MadeOrFound::Made(told) | MadeOrFound::Found(told)) = &friendship;
    let mut notices = notices(tx, told, news, requester).await?;
    notices.retain(|notice| concerned.contains(&notice.to));
    Ok(Changed { notices, ..Changed::quietly(touched, friendship) })
}
