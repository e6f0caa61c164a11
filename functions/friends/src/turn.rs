use crate::App;
use domain::{
    Aggregate, Code, Fault, Friendship, FriendshipId, FriendshipStatus, MOST_FRIENDS, News, Notice, Timestamp, Turn,
    UserId,
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
    /// Finds the two people, locks them, and applies the decision. Whoever is refused, and whoever repeats a request, locks nobody.
    pub(crate) async fn run(self, app: &App) -> Result<Friendship, Fault> {
        let found = app.projector.mysql.friendships().find_of(self.id, self.by).await?;
        let (friendship, is_active) = found.ok_or(Code::FriendshipNotFound)?;
        let pair = [friendship.requester, friendship.addressee];
        if self.status(&friendship, is_active)?.is_none() {
            app.projector.catch_up(&pair.map(Aggregate::Person)).await?;
            return Ok(friendship);
        }
        app.projector.change((self, pair), take_turn).await
    }

    /// What it becomes; `None` where it is so already.
    fn status(&self, friendship: &Friendship, is_active: bool) -> Result<Option<FriendshipStatus>, Code> {
        match (self.decide)(friendship, self.by)? {
            Turn::Done => Ok(None),
            // An inactive account gets no new friends.
            Turn::To(FriendshipStatus::Accepted) if !is_active => Err(Code::FriendshipNotFound),
            Turn::To(status) => Ok(Some(status)),
        }
    }
}

async fn take_turn(tx: &mut Tx, (turn, pair): (TakeTurn, [UserId; 2])) -> Result<Changed<Friendship>, Fault> {
    let active = tx.users().lock_pair(pair).await?;
    let friendship = tx.friendships().lock(turn.id).await?.ok_or(Code::FriendshipNotFound)?;
    let concerned = friendship.concerned_by(turn.by, turn.at);
    let touched: Vec<_> = concerned.iter().copied().map(Aggregate::Person).collect();
    let Some(status) = turn.status(&friendship, active.len() == 2)? else {
        return Ok(Changed::quietly(touched, friendship));
    };
    if status == FriendshipStatus::Accepted {
        admit_friend(tx, pair).await?;
    }
    let changed = friendship.changed_to(status, turn.by, turn.at);
    tx.friendships().update(&changed).await?;
    tx.users().raise_versions(&concerned).await?;
    tx.outbox().insert(&touched, turn.at).await?;
    let news = if status == FriendshipStatus::Accepted { News::Accepted } else { News::Removed };
    let mut notices = notices(tx, &changed, news, turn.by).await?;
    notices.retain(|notice| concerned.contains(&notice.to));
    Ok(Changed { notices, ..Changed::quietly(touched, changed) })
}

/// Refuses two people, whose rows the transaction has locked, of whom one has as many friends as possible.
pub(crate) async fn admit_friend(tx: &mut Tx, pair: [UserId; 2]) -> Result<(), Fault> {
    let most = tx.friendships().count_most(pair).await?;
    if most < MOST_FRIENDS { Ok(()) } else { Err(Code::TooManyFriends.into()) }
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
