use crate::App;
use domain::{
    Aggregate, Code, Fault, Friendship, FriendshipId, FriendshipStatus, News, Notice, Timestamp, Turn, UserId,
};
use mysql::Tx;
use projection::Changed;

/// One of two people answers a request, or ends what is between them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TakeTurn {
    pub(crate) id: FriendshipId,
    pub(crate) by: UserId,
    /// What becomes of it.
    pub(crate) decide: fn(&Friendship, UserId) -> Result<Turn, Code>,
    pub(crate) at: Timestamp,
}

impl TakeTurn {
    /// Finds the two people, locks them, and applies the decision.
    pub(crate) async fn run(self, app: &App) -> Result<Friendship, Fault> {
        let found = app.projector.mysql.friendships().find(self.id).await?;
        let pair =
            found.map(|friendship| [friendship.requester, friendship.addressee]).ok_or(Code::FriendshipNotFound)?;
        app.projector.change((self, pair), take_turn).await
    }
}

async fn take_turn(tx: &mut Tx, (turn, pair): (TakeTurn, [UserId; 2])) -> Result<Changed<Friendship>, Fault> {
    let TakeTurn { id, by, decide, at } = turn;
    let active = tx.users().lock_pair(pair).await?;
    let friendship = tx.friendships().lock(id).await?.ok_or(Code::FriendshipNotFound)?;
    let touched = pair.map(Aggregate::Person).to_vec();
    let status = match decide(&friendship, by)? {
        Turn::Done => return Ok(Changed::quietly(touched, friendship)),
        // Nobody becomes a friend of an account that is gone.
        Turn::To(FriendshipStatus::Accepted) if active.len() < 2 => return Err(Code::FriendshipNotFound.into()),
        Turn::To(status) => status,
    };
    tx.friendships().update(id, status, at).await?;
    tx.users().raise_versions(&pair).await?;
    tx.outbox().insert(&touched, at).await?;
    let changed = Friendship { status, updated_at: at, ..friendship };
    let news = if status == FriendshipStatus::Accepted { News::Accepted } else { News::Removed };
    let notices = notices(tx, &changed, news, by).await?;
    Ok(Changed { touched, notices, answer: changed })
}

/// The notices for both people, each with the profile of the other one.
pub(crate) async fn notices(
    tx: &mut Tx,
    friendship: &Friendship,
    news: News,
    by: UserId,
) -> Result<Vec<Notice>, Fault> {
    let profiles = tx.users().list_profiles(&[friendship.requester, friendship.addressee]).await?;
    Ok(friendship.notices(profiles, news, by))
}
