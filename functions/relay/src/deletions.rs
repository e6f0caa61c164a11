//! What is left to do after accounts were deleted: their friendships, messages and traces. Everything here may be repeated, may run
//! twice at once, and goes on where a run before it ended.

use crate::leave::{Leave, leave};
use domain::{
    Aggregate, Code, DeletionStep, Fault, Friendship, FriendshipId, FriendshipStatus, News, Notice, PageSize, Profile,
    Role, RoomId, RoomKey, Timestamp, Turn, UserId,
};
use messaging::{Messenger, erase_message, erase_reactions};
use mysql::{Deletion, Tx};
use projection::{Changed, Projector};
use std::time::Duration;
use tokio::time::timeout;

/// How many accounts a run works on at the most.
const MOST_ACCOUNTS: u32 = 20;

/// How many friendships end, or messages are read, between two looks at the clock.
const BATCH: u32 = 50;

/// How many blocks one statement removes: it holds locks on no more.
const BLOCKS: u32 = 500;

/// How long one message or friendship may take, and one statement beside them.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// How often the next owner of a group is looked for.
const READINGS: usize = 5;

/// For how long a request that was let in may still write: longer than any function runs.
const LATEST_WRITE: Duration = Duration::from_mins(1);

/// How much older than the deletion a message may seem that was written while it was under way.
const CLOCKS_DIFFER: Duration = Duration::from_mins(2);

/// What a run did for deleted accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Erased {
    /// Accounts of which nothing is left to do.
    pub(crate) accounts: usize,
    /// What is left to the next run; the log says why.
    pub(crate) failed: usize,
}

/// What comes after a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The piece that begins there.
    GoOn(Deletion),
    /// Nothing before the next run: something failed, or a request may still be under way.
    Wait,
    /// Nothing: all is done.
    Done,
}

/// One run over the accounts that were deleted.
pub(crate) struct Eraser<'a> {
    pub(crate) projector: &'a Projector,
    pub(crate) messenger: &'a Messenger,
}

impl Eraser<'_> {
    /// Works on the accounts one after the other, the least recently worked on first, until nothing is left or the time is over. Each
    /// has its share of the time, so that one with many messages delays no other. A store that is unavailable ends the run.
    pub(crate) async fn run(&self, until: Timestamp) -> Result<Erased, Fault> {
        let (deletions, begun) = (|| self.projector.mysql.deletions(), self.projector.clock.now());
        let (listed, mut erased) = (within(deletions().list(MOST_ACCOUNTS, begun)).await?, Erased::default());
        for (deletion, shares) in listed.iter().zip((1..=u32::try_from(listed.len()).unwrap_or(1)).rev()) {
            let left = self.projector.clock.now().until(until);
            if left.is_zero() {
                break;
            }
            within(deletions().note_try(deletion.user, self.projector.clock.now())).await?;
            let share = self.projector.clock.now().plus(left / shares);
            match self.work_on(*deletion, share, &mut erased).await {
                Err(fault) if fault.code == Code::Unavailable => return Err(fault),
                Err(fault) => {
                    erased.failed += 1;
                    fault.log(&format!("finish the deletion of user {}", deletion.user));
                }
                Ok(()) => {}
            }
        }
        Ok(erased)
    }

    /// Does one piece after the other for an account.
    async fn work_on(&self, mut deletion: Deletion, until: Timestamp, erased: &mut Erased) -> Result<(), Fault> {
        loop {
            // Boxed, or the futures nest too deep for the compiler.
            match Box::pin(self.piece(&deletion, until, erased)).await? {
                Next::Wait => return Ok(()),
                Next::Done => {
                    if within(self.projector.mysql.deletions().remove(&deletion)).await? {
                        erased.accounts += 1;
                        tracing::info!(user.id = %deletion.user, "Finished the deletion of an account");
                    }
                    return Ok(());
                }
                Next::GoOn(next) => {
                    // Noted after the piece, so that the next run repeats it after a crash.
                    let is_ours = within(self.projector.mysql.deletions().advance(&deletion, &next)).await?;
                    if !is_ours || self.is_over(until) {
                        return Ok(());
                    }
                    deletion = next;
                }
            }
        }
    }

    /// A piece of many items stops before the next one when its time is over; whatever it did is not found again.
    async fn piece(&self, deletion: &Deletion, until: Timestamp, erased: &mut Erased) -> Result<Next, Fault> {
        match deletion.step {
            DeletionStep::Sessions => self.close(deletion).await,
            DeletionStep::Relations => self.end_relations(deletion, until, erased).await,
            DeletionStep::Groups => self.leave_groups(deletion, until, erased).await,
            DeletionStep::Messages => self.erase_messages(deletion, until, erased).await,
            DeletionStep::Reactions => self.erase_reactions(deletion, until, erased).await,
            DeletionStep::Traces => self.remove_traces(deletion).await,
            DeletionStep::GroupTraces => self.remove_group_traces(deletion).await,
        }
    }

    /// From here on nobody is let in with a token of the account: the request that deleted it may have died before. Its uploads end,
    /// but for those of messages that are still there.
    async fn close(&self, deletion: &Deletion) -> Result<Next, Fault> {
        within(self.projector.project(Aggregate::Person(deletion.user))).await?;
        self.end_uploads(deletion.user).await?;
        let closed_at = Some(self.projector.clock.now());
        Ok(Next::GoOn(Deletion { step: DeletionStep::Relations, position: 0, closed_at, ..*deletion }))
    }

    /// Nobody becomes a friend of an account that is gone, and it blocks nobody: what is there gets only less.
    async fn end_relations(&self, deletion: &Deletion, until: Timestamp, erased: &mut Erased) -> Result<Next, Fault> {
        let (mysql, user, at) = (&self.projector.mysql, deletion.user, self.projector.clock.now());
        let friendships = within(mysql.friendships().list_any(user, BATCH)).await?;
        let before = erased.failed;
        for (id, other) in &friendships {
            if self.is_over(until) {
                return Ok(Next::Wait);
            }
            let command = End { id: *id, by: user, other: *other, at };
            erased.failed += usize::from(!self.tried(self.projector.change(command, end)).await?);
        }
        if erased.failed > before {
            return Ok(Next::Wait);
        }
        let blocks = within(mysql.blocks().remove_some(user, BLOCKS)).await?;
        if !friendships.is_empty() || blocks == u64::from(BLOCKS) {
            return Ok(Next::GoOn(Deletion { position: deletion.position + 1, ..*deletion }));
        }
        within(self.projector.change((user, at), forget_relations)).await?;
        Ok(next_step(deletion, DeletionStep::Groups))
    }

    /// Whoever comes into a group meanwhile comes with a request that was let in before, and is found by the next look.
    async fn leave_groups(&self, deletion: &Deletion, until: Timestamp, erased: &mut Erased) -> Result<Next, Fault> {
        let (members, at) = (self.projector.mysql.members(), self.projector.clock.now());
        let groups = within(members.list_groups(deletion.user, None, BATCH)).await?;
        let before = erased.failed;
        for (room, _) in &groups {
            if self.is_over(until) {
                return Ok(Next::Wait);
            }
            erased.failed += usize::from(!self.tried(self.leave_group(*room, deletion.user, at)).await?);
        }
        Ok(match (erased.failed - before, groups.is_empty()) {
            (0, true) => next_step(deletion, DeletionStep::Messages),
            (0, false) => Next::GoOn(Deletion { position: deletion.position + 1, ..*deletion }),
            _ => Next::Wait,
        })
    }

    /// Who is next is read before the locks, and may be somebody else under them.
    async fn leave_group(&self, room: RoomId, user: UserId, at: Timestamp) -> Result<(), Fault> {
        let members = || self.projector.mysql.members();
        for _ in 0..READINGS {
            let is_owner = members().find(room, user).await?.is_some_and(|of| of.role == Role::Owner);
            let successor = if is_owner { members().find_successor(room, user).await? } else { None };
            let command = Leave { room, user, successor: successor.map(|next| next.user), at };
            if self.projector.change(command, leave).await? {
                return Ok(());
            }
        }
        Err(Fault::internal("the successor of a group's owner was another one each time"))
    }

    /// Makes a batch of messages tombstones. The last look is taken when no request that was let in before can write any more.
    async fn erase_messages(&self, deletion: &Deletion, until: Timestamp, erased: &mut Erased) -> Result<Next, Fault> {
        let now = self.projector.clock.now();
        let (latest, position) = (deletion.created_at.minus(CLOCKS_DIFFER), Timestamp::from_millis(deletion.position));
        let from = position.min(latest);
        let messages =
            within(self.messenger.mongo.messages().list_undeleted(deletion.user, from, i64::from(BATCH))).await?;
        let Some(last) = messages.last().map(|message| message.created_at) else {
            let is_over = deletion.closed_at.is_some_and(|closed| closed.plus(LATEST_WRITE) <= now);
            return Ok(if is_over { next_step(deletion, DeletionStep::Reactions) } else { Next::Wait });
        };
        let before = erased.failed;
        for message in messages {
            if self.is_over(until) {
                return Ok(Next::Wait);
            }
            erased.failed += usize::from(!self.tried(erase_message(self.messenger, message)).await?);
        }
        // The next run begins with what failed.
        let position = last.millis().max(deletion.position);
        Ok(if erased.failed > before { Next::Wait } else { Next::GoOn(Deletion { position, ..*deletion }) })
    }

    /// Takes back a batch of reactions.
    async fn erase_reactions(&self, deletion: &Deletion, until: Timestamp, erased: &mut Erased) -> Result<Next, Fault> {
        let user = deletion.user;
        let messages = within(self.messenger.mongo.messages().list_reacted(user, i64::from(BATCH))).await?;
        if messages.is_empty() {
            return Ok(next_step(deletion, DeletionStep::Traces));
        }
        let before = erased.failed;
        for message in messages {
            if self.is_over(until) {
                return Ok(Next::Wait);
            }
            erased.failed += usize::from(!self.tried(erase_reactions(self.messenger, user, message)).await?);
        }
        let position = deletion.position + 1;
        Ok(if erased.failed > before { Next::Wait } else { Next::GoOn(Deletion { position, ..*deletion }) })
    }

    /// Forgets whether the person was online, and how far they have read in rooms of two people.
    async fn remove_traces(&self, deletion: &Deletion) -> Result<Next, Fault> {
        let after = i32::try_from(deletion.position).map(RoomId).map_err(Fault::internal)?;
        let rooms = self.projector.mysql.private_rooms().list_of(deletion.user, Some(after), PageSize::LARGEST);
        let page = within(rooms).await?;
        let rooms: Vec<_> = page.items.iter().map(|room| RoomKey::private(room.id)).collect();
        within(self.projector.mongo.read_states().remove(deletion.user, &rooms)).await?;
        within(self.projector.mongo.presence().remove(deletion.user)).await?;
        Ok(match page.next {
            Some(last) => Next::GoOn(Deletion { position: i64::from(last.0), ..*deletion }),
            None => next_step(deletion, DeletionStep::GroupTraces),
        })
    }

    /// Forgets how far the person has read in groups that they were ever in, and at last what they wanted to be notified of, and where.
    async fn remove_group_traces(&self, deletion: &Deletion) -> Result<Next, Fault> {
        let members = self.projector.mysql.members();
        let page = within(members.list_ever(deletion.user, deletion.position, PageSize::LARGEST)).await?;
        let rooms: Vec<_> = page.items.iter().map(|room| RoomKey::group(*room)).collect();
        within(self.projector.mongo.read_states().remove(deletion.user, &rooms)).await?;
        if let Some(position) = page.next {
            return Ok(Next::GoOn(Deletion { position, ..*deletion }));
        }
        within(self.projector.mongo.devices().remove_of_person(deletion.user)).await?;
        within(self.projector.mongo.notifications().remove(deletion.user)).await?;
        // Once more, for those of requests that were let in before.
        self.end_uploads(deletion.user).await?;
        Ok(Next::Done)
    }

    async fn end_uploads(&self, user: UserId) -> Result<(), Fault> {
        within(self.projector.mongo.uploads().end_of_person(user, self.projector.clock.now())).await
    }

    fn is_over(&self, until: Timestamp) -> bool {
        self.projector.clock.now() >= until
    }

    /// Whether one of many pieces of work succeeded; what fails is logged and left to the next run. A store that is unavailable is
    /// an error.
    async fn tried(&self, work: impl Future<Output = Result<(), Fault>>) -> Result<bool, Fault> {
        match timeout(TIME_LIMIT, work).await.unwrap_or_else(|late| Err(Fault::internal(late))) {
            Ok(()) => Ok(true),
            Err(fault) if fault.code == Code::Unavailable => Err(fault),
            Err(fault) => {
                fault.log("erase what a deleted account left");
                Ok(false)
            }
        }
    }
}

fn next_step(deletion: &Deletion, step: DeletionStep) -> Next {
    Next::GoOn(Deletion { step, position: 0, ..*deletion })
}

async fn within<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    timeout(TIME_LIMIT, work).await.map_err(Fault::unavailable)?
}

/// What is between a deleted account and another person ends.
#[derive(Debug, Clone, Copy)]
struct End {
    id: FriendshipId,
    by: UserId,
    other: UserId,
    at: Timestamp,
}

async fn end(tx: &mut Tx, command: End) -> Result<Changed<()>, Fault> {
    let End { id, by, other, at } = command;
    tx.users().lock_pair([by, other]).await?;
    let nothing = Changed::quietly(Vec::new(), ());
    let Some(friendship) = tx.friendships().lock(id).await? else { return Ok(nothing) };
    tx.friendships().remove(id).await?;
    let is_open = friendship.end(by)? != Turn::Done;
    if !is_open || !friendship.concerned_by(by, at).contains(&other) {
        return Ok(nothing);
    }
    let touched = vec![Aggregate::Person(other)];
    tx.users().raise_versions(&[other]).await?;
    tx.outbox().insert(&touched, at).await?;
    Ok(Changed { notices: notice(&friendship, by, at), ..Changed::quietly(touched, ()) })
}

/// Tells the other person. Of who is gone it has the id alone.
fn notice(friendship: &Friendship, by: UserId, at: Timestamp) -> Vec<Notice> {
    let nobody = Profile { id: by, username: String::new(), display_name: None, status_message: None, avatar: None };
    friendship.changed_to(FriendshipStatus::Rejected, by, at).notices(vec![nobody], News::Removed, by)
}

/// What MongoDB knows of the person's friends and blocks goes as well.
async fn forget_relations(tx: &mut Tx, (user, at): (UserId, Timestamp)) -> Result<Changed<()>, Fault> {
    let touched = vec![Aggregate::Person(user)];
    tx.users().raise_versions(&[user]).await?;
    tx.outbox().insert(&touched, at).await?;
    Ok(Changed::quietly(touched, ()))
}
