use crate::{Messenger, notify::News, order::Placed, read::Reading};
use announce::{Audience, Queued};
use contract::{Frame, MessageView};
use domain::{ConnectionId, Fault, MessageId, OrLog as _, Quote, Seq};
use mongo::Recipients;
use std::collections::HashMap;

/// How often a delivery that failed is tried again; then it is left to `sync`.
const MOST_TRIES: u32 = 3;

/// Whom a push did not reach.
enum Unreached {
    Nobody,
    These(Vec<ConnectionId>),
    /// Perhaps everybody.
    All,
}

impl Messenger {
    /// The message as its author is answered, after which it is pushed to every other connection of the room, and devices are told.
    ///
    /// It never fails the change: what was not reached stays noted on the message. In a room with many connections the pushes are
    /// queued, or left to `sync` where there is no queue.
    pub(crate) async fn publish(
        &self,
        placed: Placed,
        quotes: &HashMap<MessageId, Quote>,
        except: Option<&ConnectionId>,
    ) -> MessageView {
        self.publish_with(placed, quotes, except, None).await
    }

    /// The same of a new message, beside which is noted what its author has read.
    pub(crate) async fn publish_with(
        &self,
        placed: Placed,
        quotes: &HashMap<MessageId, Quote>,
        except: Option<&ConnectionId>,
        reading: Option<Reading>,
    ) -> MessageView {
        let Placed { message, recipients, tries, news } = placed;
        let view = MessageView::of(message, quotes);
        let read = reading.as_ref().and_then(Reading::carried);
        if let Some(mut recipients) = recipients {
            if let Recipients::All(connections) = &mut recipients {
                connections.retain(|connection| Some(&connection.id) != except);
            }
            let (messenger, pushed, except) = (self.clone(), view.clone(), except.cloned());
            let work = async move { messenger.push(pushed, &recipients, except, tries, news, read).await };
            // Boxed, or it makes the futures of everything that publishes large.
            self.announcer.later(Box::pin(work)).await;
        }
        if let Some(reading) = reading {
            let (messenger, from) = (self.clone(), except.cloned());
            let work = Box::pin(async move { reading.note_beside(&messenger, from.as_ref()).await });
            self.announcer.later(work).await;
        }
        view
    }

    /// Pushes a message now and has devices told of it if it is news, then notes what became of that, where it still has this `rev`.
    pub(crate) async fn push(
        &self,
        view: MessageView,
        recipients: &Recipients,
        except: Option<ConnectionId>,
        tries: u32,
        news: Option<News>,
        read: Option<Seq>,
    ) {
        let (id, rev, now) = (view.id, view.rev, self.clock.now());
        let notified = async {
            if let Some(news) = news {
                self.notify(&news, recipients).await;
            }
        };
        let pushed = async {
            let messages = self.mongo.messages();
            // The message is done only after both; the sweep takes over after an earlier crash.
            let (unreached, ()) = tokio::join!(self.deliver(view, recipients, except, read), notified);
            match unreached? {
                Unreached::These(failed) if tries < MOST_TRIES => {
                    messages.note_failed(id, rev, &failed, tries, now).await
                }
                Unreached::All if tries < MOST_TRIES => messages.note_all_failed(id, rev, tries, now).await,
                Unreached::Nobody | Unreached::These(_) | Unreached::All => messages.clear_fanout(id, rev).await,
            }
        };
        let outcome: Result<(), Fault> = pushed.await;
        outcome.or_log("deliver a message");
    }

    async fn deliver(
        &self,
        view: MessageView,
        recipients: &Recipients,
        except: Option<ConnectionId>,
        read: Option<Seq>,
    ) -> Result<Unreached, Fault> {
        let frame = Frame::of_message(view).with_read(read);
        match recipients {
            Recipients::All(recipients) => {
                let failed = self.announcer.deliver(recipients, &frame).await?.failed;
                Ok(if failed.is_empty() { Unreached::Nobody } else { Unreached::These(failed) })
            }
            Recipients::TooMany(crowd) => {
                let audience = Audience { people: crowd.people().to_vec(), except };
                let queued = self.announcer.queue(crowd, vec![(audience, frame)]).await?;
                Ok(if queued == Queued::Refused { Unreached::All } else { Unreached::Nobody })
            }
        }
    }
}
