use domain::{Fault, Timestamp, UserId};
use futures_util::{future::join, try_join};
use mongo::{Attendance, Mongo, Presence};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

/// A person who goes within this time after their last change counts as coming and going often.
const RESTLESS: Duration = Duration::from_mins(5);

/// What is done about a person who goes soon after they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// They are checked again later, since a phone often reconnects soon.
    Wait,
    /// Their friends are told now.
    Tell,
}

/// One look at people: what was told of them, then what is so.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    mongo: &'a Mongo,
    gone_by: HashMap<UserId, Timestamp>,
    seen: Vec<Presence>,
    online: HashSet<UserId>,
    just_left: HashSet<UserId>,
}

/// A person whose told presence changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) user: UserId,
    pub(crate) is_online: bool,
    pub(crate) rev: i64,
    pub(crate) at: Timestamp,
}

/// The outcome of a look.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) told: Vec<Told>,
    pub(crate) put_off: Vec<UserId>,
    /// Those of whom nothing is written: their state has moved since the look began, or the write failed.
    pub(crate) moved: Vec<UserId>,
}

/// What is to be done about people.
#[derive(Debug, Default, PartialEq, Eq)]
struct Verdict {
    agree: Vec<Presence>,
    differ: Vec<Presence>,
    put_off: Vec<UserId>,
}

impl<'a> Look<'a> {
    /// Reads what was told, and the epochs: whatever changes from here on moves them. Who left after a time of their own is left to
    /// another look.
    pub(crate) async fn begin(mongo: &'a Mongo, people: &[(UserId, Timestamp)]) -> Result<Self, Fault> {
        let gone_by: HashMap<_, _> = people.iter().copied().collect();
        let users: Vec<_> = gone_by.keys().copied().collect();
        let seen = mongo.presence().list(&users).await?;
        Ok(Self { mongo, gone_by, seen, online: HashSet::new(), just_left: HashSet::new() })
    }

    /// Reads who is online. People who never said hello are left out.
    pub(crate) async fn read(&mut self, now: Timestamp) -> Result<(), Fault> {
        let users: Vec<_> = self.seen.iter().map(|seen| seen.user).collect();
        if users.is_empty() {
            return Ok(());
        }
        let (connections, presence) = (self.mongo.connections(), self.mongo.presence());
        let (attendance, shown) = try_join!(connections.list_attendance(&users, now), presence.list_shown(&users))?;
        // Whoever hides is neither: that is told at once.
        for user in shown {
            match attendance.get(&user) {
                Some(Attendance::Connected) => self.online.insert(user),
                Some(Attendance::Left(at)) if self.gone_by.get(&user).is_some_and(|gone_by| at > gone_by) => {
                    self.just_left.insert(user)
                }
                _ => false,
            };
        }
        Ok(())
    }

    /// Writes the new presence of people whose state has not changed since the look began. A failed write does not stop the others,
    /// whose changes must be told.
    pub(crate) async fn write(self, now: Timestamp, patience: Patience) -> (Written, Result<(), Fault>) {
        let has_just_left = |seen: &Presence| seen.announced && self.just_left.contains(&seen.user);
        let seen = self.seen.into_iter().filter(|seen| !has_just_left(seen)).collect();
        let Verdict { agree, differ, put_off } = decide(seen, &self.online, now, patience);
        let presence = self.mongo.presence();
        let mut written = Written { put_off, ..Written::default() };
        let ((told, mut outcome), is_right) =
            join(presence.announce(&differ, now), presence.confirm(&agree, now)).await;
        for Presence { user, announced, rev, .. } in differ {
            if told.contains(&user) {
                written.told.push(Told { user, is_online: !announced, rev: rev + 1, at: now });
            } else {
                written.moved.push(user);
            }
        }
        match is_right {
            Ok(true) => {}
            // Which of them has moved is seen by the next look.
            Ok(false) => written.moved.extend(agree.iter().map(|seen| seen.user)),
            Err(fault) => outcome = Err(fault),
        }
        (written, outcome)
    }
}

fn decide(seen: Vec<Presence>, online: &HashSet<UserId>, now: Timestamp, patience: Patience) -> Verdict {
    let mut verdict = Verdict::default();
    for presence in seen {
        let is_online = online.contains(&presence.user);
        let is_restless = presence.changed_at.until(now) < RESTLESS;
        if is_online == presence.announced {
            verdict.agree.push(presence);
        } else if !is_online && is_restless && patience == Patience::Wait {
            verdict.put_off.push(presence.user);
        } else {
            verdict.differ.push(presence);
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn decided(announced: bool, is_online: bool, minutes: u64, patience: Patience) -> &'static str {
        let changed_at = NOW.minus(Duration::from_mins(minutes));
        let presence = Presence { user: UserId(1), epoch: 1, announced, rev: 1, changed_at, last_seen_at: None };
        let online = if is_online { HashSet::from([UserId(1)]) } else { HashSet::new() };
        let Verdict { agree, differ, put_off } = decide(vec![presence], &online, NOW, patience);
        match (agree.len(), differ.len(), put_off.len()) {
            (1, 0, 0) => "agree",
            (0, 1, 0) => "tell",
            (0, 0, 1) => "wait",
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn user_who_goes_soon_after_coming_is_checked_again() {
        for (minutes, patience, outcome) in [
            (4, Patience::Wait, "wait"),
            (4, Patience::Tell, "tell"),
            (5, Patience::Wait, "tell"),
            (5, Patience::Tell, "tell"),
        ] {
            assert_eq!(decided(true, false, minutes, patience), outcome, "{minutes} {patience:?}");
        }
    }

    #[test]
    fn new_presence_is_told_at_once() {
        assert_eq!(decided(false, true, 0, Patience::Wait), "tell");
        assert_eq!(decided(true, true, 9, Patience::Wait), "agree");
        assert_eq!(decided(false, false, 0, Patience::Wait), "agree");
    }
}
