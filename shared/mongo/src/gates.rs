use crate::{
    Causal, Mongo,
    fault::{is_duplicate_key, store_fault},
    limits::{Once, from_now, refilled, wait_for_tokens},
    quota::{self, Rate},
    schema::GATES,
    w1, write_once_more,
};
use domain::{Code, Fault, Limit, Random, SessionId, Timestamp, UserId};
use mongodb::{
    bson::{DateTime, Document, doc, oid::ObjectId},
    options::{ReadConcern, ReturnDocument},
};
use serde::Deserialize;
use std::time::Duration;

/// The repository of `gates`: one document per person with the sessions that ended while their tokens live, and the person's
/// token buckets.
#[derive(Debug, Clone, Copy)]
pub struct Gates<'a>(pub(crate) &'a Mongo);

/// What a person's tokens are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// Sending and editing messages.
    Sends,
    /// Sending the same message again.
    Retries,
    /// Asking people to be friends.
    FriendRequests,
    /// Searching for people.
    Searches,
    /// Searching for messages.
    MessageSearches,
    /// Opening WebSockets.
    Tickets,
    /// Changing the password.
    Passwords,
    /// Every other change.
    Changes,
    /// Every other read.
    Reads,
    /// Rooms with people who are no friends, by the hour.
    NewRooms,
    /// Changing what one is notified of, and where.
    Notifications,
    /// Notifications to see whether they arrive, by the hour.
    TestPushes,
    /// Changing who may know whether one is online.
    Visibility,
    /// Beginning to upload files.
    Uploads,
    /// Links to files.
    Links,
}

/// The answer of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// A token was taken.
    Open,
    /// The session has ended.
    SessionEnded,
    /// There is no token.
    Limited {
        /// Until there is one.
        wait: Duration,
    },
}

impl Passage {
    /// Refuses whom the gate does not let pass.
    pub fn admit(self) -> Result<(), Fault> {
        match self {
            Self::Open => Ok(()),
            Self::SessionEnded => Err(Code::Unauthenticated.into()),
            Self::Limited { wait } => Err(Fault::rate_limited(wait)),
        }
    }
}

impl Bucket {
    const fn field(self) -> &'static str {
        match self {
            Self::Sends => "send",
            Self::Retries => "retry",
            Self::FriendRequests => "friend",
            Self::Searches => "search",
            Self::MessageSearches => "find",
            Self::Tickets => "ticket",
            Self::Passwords => "password",
            Self::Changes => "change",
            Self::Reads => "read",
            Self::NewRooms => "room",
            Self::Notifications => "notification",
            Self::TestPushes => "test_push",
            Self::Visibility => "visibility",
            Self::Uploads => "upload",
            Self::Links => "link",
        }
    }

    /// As clients know it.
    const fn name(self) -> &'static str {
        match self {
            Self::Sends => "sends",
            Self::Retries => "retries",
            Self::FriendRequests => "friend-requests",
            Self::Searches => "searches",
            Self::MessageSearches => "message-searches",
            Self::Tickets => "tickets",
            Self::Passwords => "passwords",
            Self::Changes => "changes",
            Self::Reads => "reads",
            Self::NewRooms => "new-rooms",
            Self::Notifications => "notifications",
            Self::TestPushes => "test-pushes",
            Self::Visibility => "visibility",
            Self::Uploads => "uploads",
            Self::Links => "links",
        }
    }

    /// A limit by the hour counts in sixtieths, so that whole numbers of them come back within a minute.
    fn rate(self, limit: Limit) -> Rate {
        match self {
            Self::NewRooms | Self::TestPushes => {
                Rate { limit: Limit { burst: limit.burst.saturating_mul(60), ..limit }, unit: 60, cost: 60 }
            }
            _ => Rate::of(limit),
        }
    }

    /// What the gate answers with so many tokens in the bucket.
    fn passage(self, rate: Rate, alive: bool, allowed: bool, left: f64) -> Passage {
        if !alive {
            return Passage::SessionEnded;
        }
        quota::note(self.name(), rate, left);
        if allowed {
            Passage::Open
        } else {
            Passage::Limited { wait: wait_for_tokens(f64::from(rate.cost) - left, rate.limit) }
        }
    }
}

impl Gates<'_> {
    /// Takes a token from a person's bucket if their session is alive.
    ///
    /// `w: 1`: a token that comes back in a failover harms nobody. Reads its own document as the primary has it.
    pub async fn pass(self, user: UserId, session: &SessionId, bucket: Bucket, limit: Limit) -> Result<Passage, Fault> {
        self.take(user, session, bucket, bucket.rate(limit)).await
    }

    /// Lets a read pass if the session is alive and the bucket of reads is not empty.
    ///
    /// Every write of the gate is one on each node. So of a large bucket only one read in ten takes tokens, then ten at once,
    /// and the others look: on the average it lets as many pass.
    pub async fn pass_read(
        self,
        user: UserId,
        session: &SessionId,
        limit: Limit,
        random: Random,
    ) -> Result<Passage, Fault> {
        let rate = Rate { cost: (limit.burst / 60).clamp(1, 10), ..Rate::of(limit) };
        let dice = u32::from_be_bytes(random.bytes());
        if dice.is_multiple_of(rate.cost) {
            self.take(user, session, Bucket::Reads, rate).await
        } else {
            self.look(user, session, Bucket::Reads, rate).await
        }
    }

    async fn look(self, user: UserId, session: &SessionId, bucket: Bucket, rate: Rate) -> Result<Passage, Fault> {
        #[derive(Deserialize)]
        struct Gate {
            ended: bool,
            left: f64,
        }
        let ended = doc! { "$in": [&session.0, { "$ifNull": ["$ended.session", []] }] };
        let field = bucket.field();
        let left = refilled(rate.limit, &format!("${field}.tokens"), &format!("${field}.at"));
        let gates = self.0.collection::<Gate>(GATES);
        let shown = doc! { "_id": 0, "ended": ended, "left": left };
        // As the primary has it, as a write of the gate sees it.
        let look = gates.find_one(doc! { "_id": user.0 }).projection(shown).read_concern(ReadConcern::local());
        let found = look.await.map_err(store_fault)?;
        // A person without a gate has taken no token.
        let Gate { ended, left } = found.unwrap_or(Gate { ended: false, left: rate.limit.burst.into() });
        Ok(bucket.passage(rate, !ended, left >= f64::from(rate.cost), left))
    }

    async fn take(self, user: UserId, session: &SessionId, bucket: Bucket, rate: Rate) -> Result<Passage, Fault> {
        #[derive(Deserialize)]
        struct Gate {
            alive: bool,
            allowed: bool,
            left: f64,
        }
        let (field, limit, cost) = (bucket.field(), rate.limit, i64::from(rate.cost));
        let tokens = format!("{field}.tokens");
        let may = doc! { "$gte": [format!("${tokens}"), cost] };
        let Once { allowed, takes, by } = Once::new(&format!("${field}.by"), ObjectId::new(), may);
        let mut update = vec![doc! { "$set": {
            field: refilled_bucket(field, limit),
            "ended": { "$filter": {
                "input": { "$ifNull": ["$ended", []] }, "as": "session", "cond": { "$gt": ["$$session.until", "$$NOW"] },
            } },
        } }];
        update.push(doc! { "$set": { "alive": { "$not": [{ "$in": [&session.0, "$ended.session"] }] } } });
        update.push(doc! { "$set": {
            "allowed": { "$and": ["$alive", allowed] },
            "expires_at": expiry(limit),
        } });
        update.push(doc! { "$set": {
            &tokens: { "$subtract": [format!("${tokens}"), { "$cond": [takes, cost, 0] }] },
            format!("{field}.by"): by,
        } });
        update.push(doc! { "$set": { "left": format!("${tokens}") } });
        let change = || async {
            // Only `_id` in the filter: one on `ended` would turn an ended session into a colliding upsert.
            self.0
                .collection::<Gate>(GATES)
                .find_one_and_update(doc! { "_id": user.0 }, update.clone())
                .upsert(true)
                .projection(doc! { "_id": 0, "alive": 1, "allowed": 1, "left": 1 })
                .return_document(ReturnDocument::After)
                .write_concern(w1())
                .await
        };
        let gate = write_once_more(change).await.map_err(store_fault)?;
        let gate = gate.ok_or_else(|| Fault::internal("an upsert answered no document"))?;
        Ok(bucket.passage(rate, gate.alive, gate.allowed, gate.left))
    }

    /// Returns a token whose request did not count; the bucket never holds more than its burst.
    pub async fn refund(self, user: UserId, bucket: Bucket, limit: Limit) -> Result<(), Fault> {
        let tokens = format!("{}.tokens", bucket.field());
        let one_more = doc! { "$min": [i64::from(limit.burst), { "$add": [format!("${tokens}"), 1] }] };
        let update = vec![doc! { "$set": { tokens: one_more } }];
        let gates = self.0.documents(GATES);
        gates.update_one(doc! { "_id": user.0 }, update).write_concern(w1()).await.map_err(store_fault)?;
        quota::forget(bucket.name());
        Ok(())
    }

    /// Whether a session was ended before its tokens expire, as a majority knows it.
    pub async fn is_ended(self, user: UserId, session: &SessionId) -> Result<bool, Fault> {
        let found = self.0.documents(GATES).find_one(ended(user, session)).projection(doc! { "_id": 1 }).await;
        Ok(found.map_err(store_fault)?.is_some())
    }

    /// The same, including what was written before what the causal session has written.
    pub async fn is_ended_in(
        self,
        Causal(causal): &mut Causal,
        user: UserId,
        session: &SessionId,
    ) -> Result<bool, Fault> {
        let gates = self.0.documents(GATES);
        let found = gates.find_one(ended(user, session)).projection(doc! { "_id": 1 }).session(causal).await;
        Ok(found.map_err(store_fault)?.is_some())
    }

    /// Refuses the access tokens of sessions from now on; `until` is when the last of them expires. One write, however many.
    pub async fn end_sessions(self, user: UserId, sessions: &[SessionId], until: Timestamp) -> Result<(), Fault> {
        self.end_sessions_in(&mut self.0.causal().await?, user, sessions, until).await
    }

    /// The same; what is read in the causal session afterwards includes what was written before.
    pub async fn end_sessions_in(
        self,
        Causal(causal): &mut Causal,
        user: UserId,
        sessions: &[SessionId],
        until: Timestamp,
    ) -> Result<(), Fault> {
        if sessions.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = sessions.iter().map(|session| session.0.as_str()).collect();
        let until = DateTime::from_millis(until.millis());
        let ended: Vec<Document> = ids.iter().map(|id| doc! { "session": id, "until": until }).collect();
        let others = doc! { "$and": [
            { "$gt": ["$$session.until", "$$NOW"] },
            { "$not": [{ "$in": ["$$session.session", ids] }] },
        ] };
        let others = doc! { "$filter": { "input": { "$ifNull": ["$ended", []] }, "as": "session", "cond": others } };
        let update = vec![doc! { "$set": {
            "ended": { "$concatArrays": [others, ended] },
            "expires_at": { "$max": ["$expires_at", until] },
        } }];
        let (gates, this) = (self.0.documents(GATES), doc! { "_id": user.0 });
        let written = match gates.update_one(this.clone(), update.clone()).upsert(true).session(&mut *causal).await {
            Err(error) if is_duplicate_key(&error) => gates.update_one(this, update).upsert(true).session(causal).await,
            outcome => outcome,
        };
        written.map_err(store_fault)?;
        Ok(())
    }
}

fn ended(user: UserId, session: &SessionId) -> Document {
    doc! { "_id": user.0, "ended.session": &session.0 }
}

fn refilled_bucket(field: &str, limit: Limit) -> Document {
    doc! { "tokens": refilled(limit, &format!("${field}.tokens"), &format!("${field}.at")), "at": "$$NOW" }
}

/// When the document may be removed: all buckets are full and the tokens of all ended sessions have expired. It never moves back, or
/// an ended session could live again.
fn expiry(limit: Limit) -> Document {
    let full = limit.pause().saturating_mul(limit.burst) + Duration::from_mins(1);
    doc! { "$max": ["$expires_at", { "$max": "$ended.until" }, from_now(full)] }
}
