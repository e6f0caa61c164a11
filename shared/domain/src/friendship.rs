use crate::{Code, FriendshipId, Profile, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use strum::{EnumString, IntoStaticStr};

/// The most friends of a person.
pub const MOST_FRIENDS: i64 = 5_000;

/// How long after a rejection nobody is told of another request.
const QUIET: Duration = Duration::from_hours(24);

/// The status of a friendship or friend request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum FriendshipStatus {
    /// One has asked, the other has not answered.
    Pending,
    /// They are friends.
    Accepted,
    /// It is over: refused, withdrawn, or no longer wanted. Kept so that a repeated request finds what it did.
    Rejected,
}

impl FriendshipStatus {
    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Two people of whom one asked the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Friendship {
    /// Which.
    pub id: FriendshipId,
    /// Who asked.
    pub requester: UserId,
    /// Who was asked.
    pub addressee: UserId,
    /// Where they stand.
    pub status: FriendshipStatus,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Until when the person asked is not shown another request: they rejected one.
    pub quiet_until: Option<Timestamp>,
}

/// What becomes of someone's wish to be friends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// A new request.
    New,
    /// The other one has just rejected them: the same request is open again, and shown to the other one only when the rejection
    /// is a day old.
    Quiet,
    /// The other one has asked as well: they are friends.
    Accepts,
    /// They are friends, or the request is there: nothing changes.
    Stands,
}

/// What becomes of an answer or a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It takes effect.
    To(FriendshipStatus),
    /// It had taken effect before: a repeated request.
    Done,
}

impl Friendship {
    /// What it means that `requester` asks, given what there is between the two.
    pub fn ask(between: Option<&Self>, requester: UserId, at: Timestamp) -> Asking {
        match between {
            None => Asking::New,
            Some(friendship) => match friendship.status {
                FriendshipStatus::Rejected if friendship.is_quiet_for(requester, at) => Asking::Quiet,
                FriendshipStatus::Rejected => Asking::New,
                FriendshipStatus::Pending if friendship.addressee == requester => Asking::Accepts,
                FriendshipStatus::Pending | FriendshipStatus::Accepted => Asking::Stands,
            },
        }
    }

    /// The person asked says yes.
    pub fn accept(&self, by: UserId) -> Result<Turn, Code> {
        self.addressed_to(by)?;
        match self.status {
            FriendshipStatus::Pending => Ok(Turn::To(FriendshipStatus::Accepted)),
            FriendshipStatus::Accepted => Ok(Turn::Done),
            FriendshipStatus::Rejected => Err(Code::FriendshipNotFound),
        }
    }

    /// The person asked says no; friends they already are stay friends.
    pub fn reject(&self, by: UserId) -> Result<Turn, Code> {
        self.addressed_to(by)?;
        match self.status {
            FriendshipStatus::Pending => Ok(Turn::To(FriendshipStatus::Rejected)),
            FriendshipStatus::Rejected => Ok(Turn::Done),
            FriendshipStatus::Accepted => Err(Code::FriendshipNotFound),
        }
    }

    /// Either of the two ends the friendship, or takes the request back.
    pub fn end(&self, by: UserId) -> Result<Turn, Code> {
        self.other_than(by)?;
        match self.status {
            FriendshipStatus::Pending | FriendshipStatus::Accepted => Ok(Turn::To(FriendshipStatus::Rejected)),
            FriendshipStatus::Rejected => Ok(Turn::Done),
        }
    }

    /// The same request, open again.
    #[must_use]
    pub fn asked_again(&self, at: Timestamp) -> Self {
        Self { status: FriendshipStatus::Pending, created_at: at, updated_at: at, ..self.clone() }
    }

    /// What there is between the two once one of them has changed it. Whoever rejects a request is left in peace for a while.
    #[must_use]
    pub fn changed_to(&self, status: FriendshipStatus, by: UserId, at: Timestamp) -> Self {
        let is_rejected = self.status == FriendshipStatus::Pending && by == self.addressee;
        let quiet_until = match status {
            FriendshipStatus::Rejected if is_rejected => Some(at.plus(QUIET)),
            FriendshipStatus::Rejected => self.quiet_until,
            FriendshipStatus::Accepted | FriendshipStatus::Pending => None,
        };
        Self { status, updated_at: at, quiet_until, ..self.clone() }
    }

    fn is_quiet_for(&self, requester: UserId, at: Timestamp) -> bool {
        self.requester == requester && self.quiet_until.is_some_and(|until| until > at)
    }

    /// The other one of the two; whoever is neither learns nothing of it.
    pub fn other_than(&self, user: UserId) -> Result<UserId, Code> {
        match user {
            user if user == self.requester => Ok(self.addressee),
            user if user == self.addressee => Ok(self.requester),
            _ => Err(Code::FriendshipNotFound),
        }
    }

    /// What each of the two is told, with the other one's profile; who has no profile any more is not told of.
    pub fn notices(&self, profiles: Vec<Profile>, news: News, by: UserId) -> Vec<Notice> {
        let notice = |profile: Profile| {
            let to = self.other_than(profile.id).ok()?;
            let with = FriendshipWith { id: self.id, user: profile, since: self.updated_at };
            Some(Notice { to, news, by, with })
        };
        profiles.into_iter().filter_map(notice).collect()
    }

    fn addressed_to(&self, by: UserId) -> Result<(), Code> {
        self.other_than(by)?;
        if by == self.addressee { Ok(()) } else { Err(Code::NotAddressee) }
    }
}

/// A friend or a request, with the other one's profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FriendshipWith {
    /// Which.
    pub id: FriendshipId,
    /// The other one.
    pub user: Profile,
    /// Since when it is what it is: when it was asked, or accepted.
    pub since: Timestamp,
}

/// What is told to one of two people about the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// To whom.
    pub to: UserId,
    /// What happened.
    pub news: News,
    /// Whose act it was.
    pub by: UserId,
    /// Between whom.
    pub with: FriendshipWith,
}

/// What happened between two people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// A request was made.
    Requested,
    /// They are friends.
    Accepted,
    /// The request or the friendship is over.
    Removed,
}

#[cfg(test)]
mod tests {
    use super::*;
    use FriendshipStatus::{Accepted, Pending, Rejected};

    const MINJI: UserId = UserId(1);
    const JUNHO: UserId = UserId(2);
    const STRANGER: UserId = UserId(3);
    const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    /// Minji asked Junho.
    fn between(status: FriendshipStatus) -> Friendship {
        Friendship {
            id: FriendshipId(7),
            requester: MINJI,
            addressee: JUNHO,
            status,
            created_at: NOON,
            updated_at: NOON,
            quiet_until: None,
        }
    }

    #[test]
    fn whoever_is_asked_and_asks_is_a_friend() {
        assert_eq!(Friendship::ask(None, MINJI, NOON), Asking::New);
        assert_eq!(Friendship::ask(Some(&between(Pending)), JUNHO, NOON), Asking::Accepts);
        assert_eq!(Friendship::ask(Some(&between(Pending)), MINJI, NOON), Asking::Stands);
        for who in [MINJI, JUNHO] {
            assert_eq!(Friendship::ask(Some(&between(Accepted)), who, NOON), Asking::Stands);
            assert_eq!(Friendship::ask(Some(&between(Rejected)), who, NOON), Asking::New);
        }
    }

    #[test]
    fn whoever_was_rejected_asks_quietly_for_a_day() {
        let rejected = between(Pending).changed_to(Rejected, JUNHO, NOON);
        let day = Duration::from_hours(24);

        assert_eq!(Friendship::ask(Some(&rejected), MINJI, NOON), Asking::Quiet);
        assert_eq!(
            Friendship::ask(Some(&rejected), MINJI, NOON.plus(day).minus(Duration::from_millis(1))),
            Asking::Quiet
        );
        assert_eq!(Friendship::ask(Some(&rejected), MINJI, NOON.plus(day)), Asking::New);
        assert_eq!(Friendship::ask(Some(&rejected), JUNHO, NOON), Asking::New, "who rejected may ask at once");
    }

    #[test]
    fn withdrawing_a_quiet_request_does_not_end_the_quiet() {
        let quiet = between(Pending).changed_to(Rejected, JUNHO, NOON).asked_again(NOON);

        let withdrawn = quiet.changed_to(Rejected, MINJI, NOON);

        assert_eq!(Friendship::ask(Some(&withdrawn), MINJI, NOON), Asking::Quiet);
    }

    #[test]
    fn an_end_that_is_no_rejection_is_not_quiet() {
        let withdrawn = between(Pending).changed_to(Rejected, MINJI, NOON);
        let unfriended = between(Accepted).changed_to(Rejected, JUNHO, NOON);

        for over in [withdrawn, unfriended] {
            assert_eq!(Friendship::ask(Some(&over), MINJI, NOON), Asking::New);
        }
    }

    #[test]
    fn only_the_person_asked_answers() {
        for answer in [Friendship::accept, Friendship::reject] {
            assert!(matches!(answer(&between(Pending), JUNHO), Ok(Turn::To(_))));
            assert_eq!(answer(&between(Pending), MINJI), Err(Code::NotAddressee));
            assert_eq!(answer(&between(Pending), STRANGER), Err(Code::FriendshipNotFound));
        }
    }

    #[test]
    fn an_answer_given_twice_is_given_and_one_that_comes_too_late_finds_nothing() {
        assert_eq!(between(Accepted).accept(JUNHO), Ok(Turn::Done));
        assert_eq!(between(Rejected).reject(JUNHO), Ok(Turn::Done));
        assert_eq!(between(Rejected).accept(JUNHO), Err(Code::FriendshipNotFound));
        assert_eq!(between(Accepted).reject(JUNHO), Err(Code::FriendshipNotFound));
    }

    #[test]
    fn either_of_the_two_ends_it_and_nobody_else() {
        for who in [MINJI, JUNHO] {
            assert_eq!(between(Pending).end(who), Ok(Turn::To(Rejected)));
            assert_eq!(between(Accepted).end(who), Ok(Turn::To(Rejected)));
            assert_eq!(between(Rejected).end(who), Ok(Turn::Done));
        }
        assert_eq!(between(Accepted).end(STRANGER), Err(Code::FriendshipNotFound));
    }

    #[test]
    fn a_status_reads_back() {
        for status in [Pending, Accepted, Rejected] {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
    }
}
