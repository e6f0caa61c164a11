use crate::{Settings, SettingsError, checks, values};
use domain::Limit;

/// Token buckets: how often something may be done.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// `LIMIT_SENDS`: messages of a person.
    pub sends: Limit,
    /// `LIMIT_RETRIES`: retries of messages that are there, of a person.
    pub retries: Limit,
    /// `LIMIT_FRAMES`: frames of a person, over all of their WebSockets.
    pub frames: Limit,
    /// `LIMIT_FRIEND_REQUESTS`: requests of a person.
    pub friend_requests: Limit,
    /// `LIMIT_SEARCHES`: searches of a person for people.
    pub searches: Limit,
    /// `LIMIT_MESSAGE_SEARCHES`: searches of a person for messages.
    pub message_searches: Limit,
    /// `LIMIT_TICKETS`: WebSocket tickets of a person.
    pub tickets: Limit,
    /// `LIMIT_CHANGES`: every other change of a person.
    pub changes: Limit,
    /// `LIMIT_READS`: every other read of a person.
    pub reads: Limit,
    /// `LIMIT_NEW_ROOMS`: rooms of a person with people who are no friends, and as many groups, at once and per hour.
    pub new_rooms: Limit,
    /// `LIMIT_SIGN_INS`: registrations, logins, password resets, and refreshes with tokens that we did not issue from one IP address,
    /// refreshes of one session, and password changes of a person, each in a bucket of its own.
    pub sign_ins: Limit,
    /// `LIMIT_MAILS`: mails to an address, at once and per hour, each kind in a bucket of its own.
    pub mails: Limit,
    /// `LIMIT_NOTIFICATIONS`: registrations of devices and changes of notification settings of a person.
    pub notifications: Limit,
    /// `LIMIT_TEST_PUSHES`: test notifications of a person, at once and per hour.
    pub test_pushes: Limit,
    /// `LIMIT_UPLOADS`: files that a person begins to upload.
    pub uploads: Limit,
    /// `LIMIT_LINKS`: requests of a person for links to files.
    pub links: Limit,
}

impl Settings {
    /// Every `LIMIT_*`, or its default.
    pub fn limits(&self) -> Result<Limits, SettingsError> {
        let (changes, reads, new_rooms, mails, notifications, test_pushes, message_searches) = values((
            self.limit("LIMIT_CHANGES", Limit { burst: 60, per_minute: 60 }),
            self.limit("LIMIT_READS", Limit { burst: 600, per_minute: 600 }),
            self.limit("LIMIT_NEW_ROOMS", Limit { burst: 20, per_minute: 20 }),
            self.limit("LIMIT_MAILS", Limit { burst: 5, per_minute: 5 }),
            self.limit("LIMIT_NOTIFICATIONS", Limit { burst: 30, per_minute: 30 }),
            self.limit("LIMIT_TEST_PUSHES", Limit { burst: 3, per_minute: 3 }),
            self.limit("LIMIT_MESSAGE_SEARCHES", Limit { burst: 20, per_minute: 60 }),
        ))?;
        let (uploads, links) = values((
            self.limit("LIMIT_UPLOADS", Limit { burst: 30, per_minute: 60 }),
            self.limit("LIMIT_LINKS", Limit { burst: 60, per_minute: 600 }),
        ))?;
        let (sends, retries, frames, friend_requests, searches, tickets, sign_ins) = values((
            self.limit("LIMIT_SENDS", Limit { burst: 20, per_minute: 120 }),
            self.limit("LIMIT_RETRIES", Limit { burst: 60, per_minute: 240 }),
            // Two devices that come back at once, each with 50 rooms to sync, take (5 + 50 * 2) * 2 of it.
            self.limit("LIMIT_FRAMES", Limit { burst: 240, per_minute: 240 }),
            self.limit("LIMIT_FRIEND_REQUESTS", Limit { burst: 30, per_minute: 30 }),
            self.limit("LIMIT_SEARCHES", Limit { burst: 30, per_minute: 30 }),
            self.limit("LIMIT_TICKETS", Limit { burst: 30, per_minute: 30 }),
            self.limit("LIMIT_SIGN_INS", Limit { burst: 60, per_minute: 60 }),
        ))?;
        Ok(Limits {
            sends,
            retries,
            frames,
            friend_requests,
            searches,
            message_searches,
            tickets,
            changes,
            reads,
            new_rooms,
            sign_ins,
            mails,
            notifications,
            test_pushes,
            uploads,
            links,
        })
    }

    fn limit(&self, name: &'static str, default: Limit) -> Result<Limit, SettingsError> {
        Ok(self.optional(name, checks::limit)?.unwrap_or(default))
    }
}
