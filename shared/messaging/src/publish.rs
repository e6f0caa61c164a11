use crate::{Messenger, order::Placed};
use contract::{Frame, MessageView};
use domain::{ConnectionId, Fault, MessageId, OrLog as _, Quote, RoomKey};
use mongo::Recipients;
use std::collections::HashMap;
use tracing::info;

/// How often a delivery that failed is tried again; then it is left to `sync`.
const MOST_TRIES: u32 = 3;

impl Messenger {
    /// The message as its author is answered, after which it is pushed to every other connection of the room.
    ///
    /// It never fails the change: what was not reached stays noted on the message. In a room with too many connections all is left
    /// to `sync`.
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
            let (messenger, pushed) = (self.clone(), view.clone());
            let work = async move { messenger.push(pushed, &recipients, tries).await };
            self.announcer.later(work).await;
        }
        view
    }

    /// Pushes a message now and notes what became of it, where it still has this `rev`.
    pub(crate) async fn push(&self, view: MessageView, recipients: &Recipients, tries: u32) {
        let (id, rev, room) = (view.id, view.rev, RoomKey { kind: view.room_type, id: view.room_id });
        let pushed = async {
            let messages = self.mongo.messages();
            let Recipients::All(recipients) = recipients else {
                let inline_connections = self.announcer.inline_connections();
                info!(message.id = %id, room.id = %room, inline_connections, "Left the pushes of a message to sync");
                return messages.clear_fanout(id, rev).await;
            };
            let delivery = self.announcer.deliver(recipients, &Frame::of_message(view)).await?;
            if delivery.failed.is_empty() || tries >= MOST_TRIES {
                messages.clear_fanout(id, rev).await
            } else {
                messages.note_failed(id, rev, &delivery.failed, tries, self.clock.now()).await
            }
        };
        let outcome: Result<(), Fault> = pushed.await;
        outcome.or_log("deliver a message");
    }
}
