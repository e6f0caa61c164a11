use crate::{Code, FriendshipId, Profile, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use strum::{EnumString, IntoStaticStr};

/// How many friends a person may have.
pub const MOST_FRIENDS: i64 = 5_000;

/// How long after a rejection another request is not shown to the person who rejected.
const QUIET: Duration = Duration::from_hours(24);

/// The status of a friendship or friend request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum FriendshipStatus {
    /// Requested and not answered.
    Pending,
    /// They are friends.
    Accepted,
    /// Rejected, withdrawn or ended. The row is kept so that a repeated request is idempotent.
    Rejected,
}

impl FriendshipStatus {
    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A friendship or a friend request between two people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Friendship {
    /// The friendship's id.
    pub id: FriendshipId,
    /// The person who sent the request.
    pub requester: UserId,
    /// The person who received the request.
    pub addressee: UserId,
    /// The status.
    pub status: FriendshipStatus,
    /// The time of the request.
    pub created_at: Timestamp,
    /// The time of the latest change.
    pub updated_at: Timestamp,
    /// The time until which the addressee, who rejected a request, is not shown another one.
    pub quiet_until: Option<Timestamp>,
}

/// The effect of a friend request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// A new request.
    New,
    /// The addressee rejected a request less than a day ago: it is pending again, but hidden from the addressee until then.
    Quiet,
    /// The other person has a pending request to the requester: they become friends.
    Accepts,
    /// They are friends or the request is pending: nothing changes.
    Stands,
}

/// The effect of an answer, a withdrawal or an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The status changes.
    To(FriendshipStatus),
    /// Nothing changes: the request is a repetition.
    Done,
}

impl Friendship {
    /// The effect of a request of `requester`, given the latest friendship between the two.
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

    /// Accepts a request. Only the addressee may.
    pub fn accept(&self, by: UserId) -> Result<Turn, Code> {
        self.addressed_to(by)?;
        match self.status {
            FriendshipStatus::Pending => Ok(Turn::To(FriendshipStatus::Accepted)),
            FriendshipStatus::Accepted => Ok(Turn::Done),
            FriendshipStatus::Rejected => Err(Code::FriendshipNotFound),
        }
    }

    /// Rejects a request. Only the addressee may, and a friendship is not rejected.
    pub fn reject(&self, by: UserId) -> Result<Turn, Code> {
        self.addressed_to(by)?;
        match self.status {
            FriendshipStatus::Pending => Ok(Turn::To(FriendshipStatus::Rejected)),
            FriendshipStatus::Rejected => Ok(Turn::Done),
            FriendshipStatus::Accepted => Err(Code::FriendshipNotFound),
        }
    }

    /// Ends the friendship or the request. Either person may.
    pub fn end(&self, by: UserId) -> Result<Turn, Code> {
        self.other_than(by)?;
        match self.status {
            FriendshipStatus::Pending | FriendshipStatus::Accepted => Ok(Turn::To(FriendshipStatus::Rejected)),
            FriendshipStatus::Rejected => Ok(Turn::Done),
        }
    }

    /// The same request, pending again.
    #[must_use]
    pub fn asked_again(&self, at: Timestamp) -> Self {
        Self { status: FriendshipStatus::Pending, created_at: at, updated_at: at, ..self.clone() }
    }

    /// The friendship after a change by one of the two. A rejection starts the time in which new requests are hidden.
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

    /// Whom an answer, a withdrawal or an end by one of the two concerns: the addressee of a quiet request has not seen it.
    pub fn concerned_by(&self, by: UserId, at: Timestamp) -> Vec<UserId> {
        let is_unseen = self.status == FriendshipStatus::Pending && self.is_quiet_for(by, at);
        if is_unseen { vec![by] } else { vec![self.requester, self.addressee] }
    }

    fn is_quiet_for(&self, requester: UserId, at: Timestamp) -> bool {
        self.requester == requester && self.quiet_until.is_some_and(|until| until > at)
    }

    /// The other person of the two; `FriendshipNotFound` for anybody else.
    pub fn other_than(&self, user: UserId) -> Result<UserId, Code> {
        match user {
            user if user == self.requester => Ok(self.addressee),
            user if user == self.addressee => Ok(self.requester),
            _ => Err(Code::FriendshipNotFound),
        }
    }

    /// The notices to both people, each with the other one's profile. A person without a profile is left out.
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

/// A friendship or request with the other person's profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FriendshipWith {
    /// The friendship's id.
    pub id: FriendshipId,
    /// The other person.
    pub user: Profile,
    /// The time of the request, or of its acceptance.
    pub since: Timestamp,
}

/// A notice to one person of a friendship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The person to notify.
    pub to: UserId,
    /// The change.
    pub news: News,
    /// The person who made the change.
    pub by: UserId,
    /// The friendship with the other person's profile.
    pub with: FriendshipWith,
}

/// A change between two people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// A request was made.
    Requested,
    /// A request was accepted.
    Accepted,
    /// The request or the friendship was ended.
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
    fn request_to_a_requester_makes_friends() {
        assert_eq!(Friendship::ask(None, MINJI, NOON), Asking::New);
        assert_eq!(Friendship::ask(Some(&between(Pending)), JUNHO, NOON), Asking::Accepts);
        assert_eq!(Friendship::ask(Some(&between(Pending)), MINJI, NOON), Asking::Stands);
        for who in [MINJI, JUNHO] {
            assert_eq!(Friendship::ask(Some(&between(Accepted)), who, NOON), Asking::Stands);
            assert_eq!(Friendship::ask(Some(&between(Rejected)), who, NOON), Asking::New);
        }
    }

    #[test]
    fn request_after_a_rejection_is_hidden_for_a_day() {
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
    fn withdrawing_a_hidden_request_keeps_later_ones_hidden() {
        let quiet = between(Pending).changed_to(Rejected, JUNHO, NOON).asked_again(NOON);

        let withdrawn = quiet.changed_to(Rejected, MINJI, NOON);

        assert_eq!(Friendship::ask(Some(&withdrawn), MINJI, NOON), Asking::Quiet);
    }

    #[test]
    fn request_after_a_withdrawal_or_end_is_shown() {
        let withdrawn = between(Pending).changed_to(Rejected, MINJI, NOON);
        let unfriended = between(Accepted).changed_to(Rejected, JUNHO, NOON);

        for over in [withdrawn, unfriended] {
            assert_eq!(Friendship::ask(Some(&over), MINJI, NOON), Asking::New);
        }
    }

    #[test]
    fn only_the_addressee_answers() {
        for answer in [Friendship::accept, Friendship::reject] {
            assert!(matches!(answer(&between(Pending), JUNHO), Ok(Turn::To(_))));
            assert_eq!(answer(&between(Pending), MINJI), Err(Code::NotAddressee));
            assert_eq!(answer(&between(Pending), STRANGER), Err(Code::FriendshipNotFound));
        }
    }

    #[test]
    fn repeated_answer_is_idempotent_and_a_late_one_is_not_found() {
        assert_eq!(between(Accepted).accept(JUNHO), Ok(Turn::Done));
        assert_eq!(between(Rejected).reject(JUNHO), Ok(Turn::Done));
        assert_eq!(between(Rejected).accept(JUNHO), Err(Code::FriendshipNotFound));
        assert_eq!(between(Accepted).reject(JUNHO), Err(Code::FriendshipNotFound));
    }

    #[test]
    fn only_the_two_people_end_a_friendship() {
        for who in [MINJI, JUNHO] {
            assert_eq!(between(Pending).end(who), Ok(Turn::To(Rejected)));
            assert_eq!(between(Accepted).end(who), Ok(Turn::To(Rejected)));
            assert_eq!(between(Rejected).end(who), Ok(Turn::Done));
        }
        assert_eq!(between(Accepted).end(STRANGER), Err(Code::FriendshipNotFound));
    }

    #[test]
    fn status_reads_back() {
        for status in [Pending, Accepted, Rejected] {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
    }
}
