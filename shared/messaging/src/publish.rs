use crate::{Messenger, order::Placed};
use announce::{Audience, Queued};
use contract::{Frame, MessageView};
use domain::{ConnectionId, Fault, MessageId, OrLog as _, Quote};
use mongo::Recipients;
use std::collections::HashMap;

/// How often a delivery that failed is tried again; then it is left to `sync`.
const MOST_TRIES: u32 = 3;

impl Messenger {
    /// The message as its author is answered, after which it is pushed to every other connection of the room.
    ///
    /// It never fails the change: what was not reached stays noted on the message. In a room with many connections the pushes are
    /// queued, or left to `sync` where there is no queue.
    pub(crate) async fn publish(
        &self,
        placed: Placed,
        quotes: &HashMap<MessageId, Quote>,
        except: Option<&ConnectionId>,
    ) -> MessageView {
        let Placed { message, recipients, tries } = placed;
        let view = MessageView::of(message, quotes);
        if let Some(mut recipients) = recipients {
            if let Recipients::All(connections) = &mut recipients {
                connections.retain(|connection| Some(&connection.id) != except);
            }
            let (messenger, pushed, except) = (self.clone(), view.clone(), except.cloned());
            let work = async move { messenger.push(pushed, &recipients, except, tries).await };
            self.announcer.later(work).await;
        }
        view
    }

    /// Pushes a message now and notes what became of it, where it still has this `rev`.
    pub(crate) async fn push(
        &self,
        view: MessageView,
        recipients: &Recipients,
        except: Option<ConnectionId>,
        tries: u32,
    ) {
        let (id, rev) = (view.id, view.rev);
        let pushed = async {
            let (messages, now, frame) = (self.mongo.messages(), self.clock.now(), Frame::of_message(view));
            let is_last_try = tries >= MOST_TRIES;
            match recipients {
                Recipients::All(recipients) => {
                    let delivery = self.announcer.deliver(recipients, &frame).await?;
                    if !delivery.failed.is_empty() && !is_last_try {
                        return messages.note_failed(id, rev, &delivery.failed, tries, now).await;
                    }
                }
                Recipients::TooMany(crowd) => {
                    let audience = Audience { people: crowd.people().to_vec(), except };
                    let queued = self.announcer.queue(crowd, vec![(audience, frame)]).await?;
                    if queued == Queued::Refused && !is_last_try {
                        return messages.note_all_failed(id, rev, tries, now).await;
                    }
                }
            }
            messages.clear_fanout(id, rev).await
        };
        let outcome: Result<(), Fault> = pushed.await;
        outcome.or_log("deliver a message");
    }
}
