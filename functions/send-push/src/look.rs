use crate::{
    again::{look_again, send},
    audience::Audience,
    incomplete,
    run::Run,
    tell::tell,
};
use domain::{
    Fault, Message, RoomKey, UserId,
    notification::{Decision, TOLD_WITHIN},
};
use mongo::NamedRoom;
use queue::PushJob;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// To how many members one job looks.
const MOST_MEMBERS: usize = 200;

/// How many messages of a room are looked at once more.
const MOST_MESSAGES: i64 = 20;

/// Looks at a new message.
pub(crate) async fn at_message(run: &Run<'_>, job: &PushJob) -> Result<(), Fault> {
    let (Some(room), Some(id)) = (job.room, job.id) else { return Err(incomplete()) };
    let stored = run.app.mongo.messages().find(id).await?;
    let message = stored.map(|stored| stored.message).filter(|message| message.room == room);
    look(run, job, room, message.into_iter().collect(), 0).await
}

/// Looks at the newest messages of a room once more.
pub(crate) async fn at_room(run: &Run<'_>, job: &PushJob) -> Result<(), Fault> {
    let room = job.room.ok_or_else(incomplete)?;
    let from = run.now().minus(TOLD_WITHIN);
    let messages = run.app.mongo.messages().list_recent(room, from, MOST_MESSAGES).await?;
    look(run, job, room, messages, 1).await
}

/// Tells each member of the newest message, the first of these, that they should be notified of. The members are read after the
/// messages: whoever left before a message was sent is not among them.
async fn look(
    run: &Run<'_>,
    job: &PushJob,
    room: RoomKey,
    mut messages: Vec<Message>,
    looks: u32,
) -> Result<(), Fault> {
    messages.retain(|message| message.deleted_at.is_none());
    let Some(newest) = messages.first() else { return Ok(()) };
    let read_at = run.now();
    let Some(named) = run.app.mongo.rooms().find_named(room).await? else { return Ok(()) };
    let mut users = members_of(job, &named);
    if users.len() > MOST_MEMBERS {
        return send(run, &parts(job, &users)).await;
    }
    // The author of all messages is not notified.
    users.retain(|user| messages.iter().any(|message| message.user != *user || message.system.is_some()));
    let authors: BTreeSet<_> = messages.iter().map(|message| message.user).collect();
    let authors: Vec<_> = authors.into_iter().collect();
    let at = newest.created_at;
    let audience = Audience::read(run, room, (named, read_at), &users, &authors).await?;
    let (mut told, mut later) = (BTreeMap::<usize, Vec<UserId>>::new(), BTreeSet::new());
    for listener in &audience.listeners {
        let decided = messages.iter().map(|message| audience.decide(message, listener, looks, run.now()));
        match decided.enumerate().find(|(_, decision)| !matches!(decision, Decision::Drop(_))) {
            Some((index, Decision::Push)) => told.entry(index).or_default().push(listener.user),
            Some((_, Decision::Later(delay))) => drop(later.insert(delay)),
            Some((_, Decision::Drop(_))) | None => {}
        }
    }
    // First what waits for this: of what follows something may fail, and then all of it comes again.
    for delay in later {
        look_again(run, room, at, delay).await?;
    }
    for (index, users) in told {
        tell(run, job, &audience, &messages[index], &users).await?;
    }
    Ok(())
}

/// The members whom a job is about, in order.
fn members_of(job: &PushJob, named: &NamedRoom) -> Vec<UserId> {
    let is_meant = |user: &UserId| job.from.is_none_or(|from| from <= *user) && job.to.is_none_or(|to| *user <= to);
    let mut users: Vec<_> = named.members.iter().copied().filter(is_meant).collect();
    users.sort_unstable();
    users
}

/// The same job for a part of the members each.
fn parts(job: &PushJob, users: &[UserId]) -> Vec<(PushJob, Duration)> {
    let part = |users: &[UserId]| PushJob { from: users.first().copied(), to: users.last().copied(), ..job.clone() };
    users.chunks(MOST_MEMBERS).map(|users| (part(users), Duration::ZERO)).collect()
}
