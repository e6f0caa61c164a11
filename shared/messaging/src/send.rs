use crate::{
    Author, Messenger,
    files::Files,
    mention::Named,
    notify::News,
    order::{ATTEMPTS, Placed, Stamped, Stamper, contended, give_back, reserve, settle, stamp, withdraw},
    read::Reading,
    steps::Steps,
};
use contract::MessageView;
use domain::{
    Attachment, ClientId, Code, Fault, Invalid, Message, MessageDraft, MessageId, OrLog as _, Quote, Rev, RoomKey, Seq,
    Timestamp, UserId,
};
use mongo::{Bucket, Causal, Inserted, Messages, Mongo, NewMessage, Passage, Stored};
use std::collections::HashMap;
use tokio::time::Instant;

/// How many writes of one request may have an unknown outcome: each leaves an entry that holds readers up for 5 s.
const MOST_UNKNOWN: usize = 2;

/// A message that is in its room.
pub struct Sent {
    /// The message.
    pub message: MessageView,
    /// Whether an earlier request had put it there.
    pub duplicate: bool,
}

/// Sends a message, once per `client_id`. It is pushed to the room after the answer.
///
/// A retry reserves nothing, and is answered even where the limit or a block would refuse a new message.
pub async fn send_message(messenger: &Messenger, author: &Author<'_>, draft: &MessageDraft) -> Result<Sent, Fault> {
    send_message_after(messenger, author, draft, None).await
}

/// The same of an author who has read up to a message, which is noted beside the delivery.
pub async fn send_message_after(
    messenger: &Messenger,
    author: &Author<'_>,
    draft: &MessageDraft,
    read: Option<Seq>,
) -> Result<Sent, Fault> {
    let (mongo, begun) = (&messenger.mongo, Instant::now());
    let (passage, earlier, quotes, named, reading, files) = tokio::join!(
        mongo.gates().pass(author.user, author.session, Bucket::Sends, author.limits.sends),
        find_earlier(mongo, draft.room, draft.user, &draft.client_id),
        find_quote(mongo, draft),
        Named::find(mongo, &draft.content),
        Reading::beside(messenger, draft.room, draft.user, read),
        Files::claim(messenger, draft),
    );
    let Files { claim, outcome: files } = files?;
    let mut may_be_written = false;
    let sent = async {
        let (passage, earlier, quotes, named) = (passage?, earlier?, quotes?, named?);
        let is_quote_missing = quotes.is_none();
        let (room, parts, quotes) = (draft.room, parts_of(draft), quotes.unwrap_or_default());
        let at = messenger.clock.now();
        let request = Request { messenger, author, room, parts, begun, at, passage, quotes, reading };
        if passage == Passage::SessionEnded {
            return Err(Code::Unauthenticated.into());
        }
        if let Some(earlier) = earlier {
            may_be_written = true;
            return request.repeat(earlier).await;
        }
        passage.admit()?;
        if is_quote_missing {
            // Rights first: a stranger could probe a room for its messages.
            let rights = mongo.rooms().find_rights_now(draft.room, draft.user).await?;
            rights.ok_or(Code::RoomNotFound)?.admit_writer()?;
            return Err(Fault::field("reply_to", Invalid::NotFound));
        }
        may_be_written = true;
        match files {
            Ok(attachments) => request.send(draft, &attachments, &named).await,
            // Another request may have sent the message with them since.
            Err(refusal) => match find_earlier(mongo, draft.room, draft.user, &draft.client_id).await? {
                Some(earlier) => request.repeat(earlier).await,
                None => Err(refusal),
            },
        }
    };
    let sent = Box::pin(sent).await;
    if let (Some(claim), Err(refusal)) = (&claim, &sent)
        && (!may_be_written || refusal.code.status() < 500)
    {
        // Where the outcome is unknown they are left to the retry.
        mongo.uploads().give_back(claim).await.or_log("give uploads back");
    }
    sent
}

/// One request to send, after its first step.
pub(crate) struct Request<'a> {
    pub(crate) messenger: &'a Messenger,
    pub(crate) author: &'a Author<'a>,
    /// Where to.
    pub(crate) room: RoomKey,
    /// What makes another request under the same `client_id` the same.
    pub(crate) parts: Vec<&'a [u8]>,
    /// When it came, to tell how long its steps took.
    pub(crate) begun: Instant,
    /// When it was let in.
    pub(crate) at: Timestamp,
    pub(crate) passage: Passage,
    /// What it answers.
    pub(crate) quotes: HashMap<MessageId, Quote>,
    /// What its author has read.
    pub(crate) reading: Option<Reading>,
}

impl Request<'_> {
    /// Puts the message into the room.
    pub(crate) async fn send(
        &self,
        draft: &MessageDraft,
        attachments: &[Attachment],
        named: &Named,
    ) -> Result<Sent, Fault> {
        let (messenger, mongo) = (self.messenger, &self.messenger.mongo);
        let fingerprint = self.author.fingerprints.of(&self.parts);
        let uploads: Vec<_> = attachments.iter().flat_map(Attachment::ids).collect();
        let mut id = Messages::new_id();
        // The revs of writes whose outcome is unknown.
        let mut unknown = Vec::new();
        for _ in 0..ATTEMPTS {
            let placement = named.placement_of_new(id, draft.room);
            let admitted = Instant::now();
            let mut reservation = reserve(messenger, draft.room, draft.user, placement).await?;
            let reserved = Instant::now();
            let mentions = named.mentions(draft.room, &reservation);
            let new = NewMessage { id, draft, mentions, attachments, fingerprint: &fingerprint, at: self.at };
            let mut causal = mongo.causal().await?;
            let mut is_taken = false;
            match mongo.messages().insert(&mut causal, &new, &reservation).await {
                Ok(Inserted::Done(message)) => {
                    let inserted = Instant::now();
                    if let Some(recipients) = settle(messenger, &mut causal, &message, &reservation).await {
                        let steps = Steps { begun: self.begun, admitted, reserved, inserted };
                        steps.tell(message.id);
                        let news = News::of(&message, &reservation.members);
                        return Ok(self.answer(Placed { message: *message, recipients, tries: 0, news }, false).await);
                    }
                    if let Some(placed) = self.stamp_own(&mut causal, *message, Stamper::Writer).await? {
                        return Ok(self.answer(placed, false).await);
                    }
                    id = Messages::new_id();
                    continue;
                }
                Ok(Inserted::Taken) => is_taken = true,
                // The write may still arrive: its entry stays until its age removes it.
                Err(fault) if fault.code == Code::Unavailable && unknown.len() < MOST_UNKNOWN => {
                    unknown.push(reservation.rev);
                }
                Err(fault) => return Err(fault),
            }
            // Read before the own message, which has the uploads too if another request has sent it.
            let holders = mongo.uploads().list_holders(&uploads).await?;
            let found = mongo.messages().find_by_client_id(draft.room, draft.user, &draft.client_id).await?;
            if is_taken {
                if found.as_ref().is_some_and(|own| own.message.id == id) {
                    reservation.keep_call();
                }
                give_back(messenger, draft.room, &reservation).await;
            }
            match found {
                Some(own) if own.message.id == id => {
                    // Under another `rev` a retry may have acknowledged it.
                    let by = if unknown.contains(&own.message.rev) { Stamper::Writer } else { Stamper::Retry };
                    if let Some(placed) = self.stamp_own(&mut causal, own.message, by).await? {
                        return Ok(self.answer(placed, false).await);
                    }
                    id = Messages::new_id();
                }
                Some(earlier) => return self.repeat(earlier).await,
                // A claim that a failover lost kept no other message from them.
                None if holders.values().any(|holder| *holder != id) => return Err(Code::UploadTaken.into()),
                None => {}
            }
        }
        Err(contended())
    }

    /// Moves the message of this request above what readers may have passed. Without rights it is withdrawn. `None` where it is
    /// gone, or was withdrawn because a later message may have been acknowledged before this one began.
    async fn stamp_own(&self, causal: &mut Causal, message: Message, by: Stamper) -> Result<Option<Placed>, Fault> {
        let (id, room, seq) = (message.id, message.room, message.seq);
        match stamp(self.messenger, causal, message, 0, by, Some(self.author.user)).await? {
            Stamped::Done(placed) => Ok(Some(*placed)),
            Stamped::Gone => Ok(None),
            Stamped::Passed { wrote: None } | Stamped::Refused { wrote: None, .. } => {
                Err(Fault::unavailable("another request moved the message that was to be withdrawn"))
            }
            Stamped::Passed { wrote: Some(wrote) } => {
                self.withdraw(id, room, seq, wrote).await?;
                Ok(None)
            }
            Stamped::Refused { refusal, wrote: Some(wrote) } => {
                self.withdraw(id, room, seq, wrote).await?;
                Err(refusal)
            }
        }
    }

    /// Makes the message of this request a tombstone, and tells the room: a page may have shown it.
    async fn withdraw(&self, id: MessageId, room: RoomKey, seq: Seq, wrote: Rev) -> Result<(), Fault> {
        let tombstone = withdraw(self.messenger, id, room, seq, wrote).await?;
        self.messenger.publish(tombstone, &self.quotes, self.author.connection).await;
        Ok(())
    }

    /// Answers with the message that an earlier request put into the room.
    pub(crate) async fn repeat(&self, earlier: Stored) -> Result<Sent, Fault> {
        let Self { messenger, author, room, .. } = *self;
        let gates = messenger.mongo.gates();
        let take_back = async {
            if self.passage == Passage::Open {
                gates.refund(author.user, Bucket::Sends, author.limits.sends).await?;
            }
            Ok(())
        };
        let (rights, refunded, passage) = tokio::join!(
            messenger.mongo.rooms().find_rights_now(room, author.user),
            take_back,
            gates.pass(author.user, author.session, Bucket::Retries, author.limits.retries),
        );
        passage?.admit()?;
        let refunded: Result<(), Fault> = refunded;
        refunded?;
        rights?.ok_or(Code::RoomNotFound)?;
        // A deleted message has no fingerprint: any retry gets the tombstone.
        let is_same = |first: &Vec<u8>| author.fingerprints.matches(&self.parts, first);
        if !earlier.fingerprint.as_ref().is_none_or(is_same) {
            return Err(Code::ClientIdReused.into());
        }
        let Some(fanout) = earlier.fanout.filter(|fanout| !fanout.released) else {
            return Ok(Sent { message: MessageView::of(earlier.message, &self.quotes), duplicate: true });
        };
        // Its writer may have died before publishing it.
        let mut causal = messenger.mongo.causal().await?;
        let viewer = Some(author.user);
        match stamp(messenger, &mut causal, earlier.message, fanout.tries, Stamper::Retry, viewer).await? {
            Stamped::Done(placed) => Ok(self.answer(*placed, true).await),
            // Without rights nothing is touched: its writer may have been answered. Once the sweep has delivered it, a retry is
            // told so; a refusal now would contradict that.
            Stamped::Refused { .. } => Err(Fault::unavailable("the message waits for its delivery")),
            Stamped::Gone | Stamped::Passed { .. } => Err(contended()),
        }
    }

    async fn answer(&self, placed: Placed, duplicate: bool) -> Sent {
        let (quotes, connection, reading) = (&self.quotes, self.author.connection, self.reading.clone());
        let Message { id, user, ref attachments, .. } = placed.message;
        let uploads: Vec<_> = attachments.iter().flat_map(Attachment::ids).collect();
        let message = self.messenger.publish_with(placed, quotes, connection, reading).await;
        if !uploads.is_empty() {
            let (mongo, now) = (self.messenger.mongo.clone(), self.messenger.clock.now());
            let work = async move {
                // After an earlier crash the sweep of files does it.
                mongo.uploads().attach(id, user, &uploads, now).await.or_log("note that a message has its files");
            };
            self.messenger.announcer.later(Box::pin(work)).await;
        }
        Sent { message, duplicate }
    }
}

/// What makes two requests under one `client_id` the same.
fn parts_of(draft: &MessageDraft) -> Vec<&[u8]> {
    let reply_to = draft.reply_to.as_ref().map_or(&[][..], |id| &id.0);
    let text = [draft.message_type.as_str().as_bytes(), reply_to, draft.content.as_str().as_bytes()];
    // Nothing of a message without files, so that it is the same as one that was sent when there were none.
    let files = draft.attachments.iter().flat_map(|attach| {
        let poster = attach.poster.as_ref().map_or(&[][..], |id| &id.0);
        [&attach.upload.0[..], poster]
    });
    text.into_iter().chain(files).collect()
}

/// The message that an earlier request sent under this name; there is none under a name that the server made.
pub(crate) async fn find_earlier(
    mongo: &Mongo,
    room: RoomKey,
    author: UserId,
    client_id: &ClientId,
) -> Result<Option<Stored>, Fault> {
    if client_id.is_generated() {
        return Ok(None);
    }
    mongo.messages().find_by_client_id(room, author, client_id).await
}

/// A reply answers a message of the same room; another room's is as unknown as none.
async fn find_quote(mongo: &Mongo, draft: &MessageDraft) -> Result<Option<HashMap<MessageId, Quote>>, Fault> {
    let Some(id) = draft.reply_to else { return Ok(Some(HashMap::new())) };
    let found = mongo.messages().find(id).await?.filter(|stored| stored.message.room == draft.room);
    Ok(found.map(|stored| HashMap::from([(id, Quote::from(&stored.message))])))
}
