use domain::{Clock, ConnectionId, Fault, Limit, MessageId, Rev, RoomKey};
use mongo::{Connection, Mongo};
use realtime::{Frame, INLINE_TIME, MessageView, Push, deliver};
use tracing::{info, warn};

/// What the operations work with.
#[derive(Debug, Clone, Copy)]
pub struct Messenger<'a> {
    /// The record of messages.
    pub mongo: &'a Mongo,
    /// The time.
    pub clock: Clock,
    /// How many messages a person may send and edit.
    pub send_limit: Limit,
}

impl Messenger<'_> {
    /// Pushes a message's latest state to every live connection of its room but the one that caused it.
    ///
    /// Two round trips and at most `INLINE_TIME` of pushes; one more to forget connections that are gone. It never fails the
    /// change: a push that fails is left to `sync`, and a delivery that was not even tried stays pending on the message.
    pub async fn publish(self, pusher: &(impl Push + Sync), message: MessageView, except: Option<&ConnectionId>) {
        let (id, rev) = (message.id, message.rev);
        if let Err(fault) = self.try_publish(pusher, message, except).await {
            warn!(message.id = %id, message.rev = %rev, error = ?fault.source, "Left a message's delivery pending");
        }
    }

    async fn try_publish(
        self,
        pusher: &(impl Push + Sync),
        message: MessageView,
        except: Option<&ConnectionId>,
    ) -> Result<(), Fault> {
        let (id, rev) = (message.id, message.rev);
        let room = RoomKey { kind: message.room_type, id: message.room_id };
        // Read after the write, so that nobody removed before it is among the recipients.
        let mut recipients = self.mongo.list_room_connections(room, self.clock.now()).await?;
        recipients.retain(|connection| Some(&connection.id) != except);
        let text = Frame::of_message(message).to_text()?;
        self.push(pusher, &recipients, &text, id, rev).await;
        self.mongo.clear_fanout(id, rev).await
    }

    async fn push(self, pusher: &(impl Push + Sync), recipients: &[Connection], text: &str, id: MessageId, rev: Rev) {
        let delivery = self.tell(pusher, recipients, text).await;
        info!(
            message.id = %id, message.rev = %rev, sent = delivery.sent, gone = delivery.gone.len(), failed = delivery.failed,
            "Pushed a message to {} connections", recipients.len()
        );
    }

    /// Pushes a frame to connections, and forgets those that are gone.
    pub(crate) async fn tell(
        self,
        pusher: &(impl Push + Sync),
        recipients: &[Connection],
        text: &str,
    ) -> realtime::Delivery {
        let ids: Vec<_> = recipients.iter().map(|connection| &connection.id).collect();
        let delivery = deliver(pusher, &ids, text, INLINE_TIME).await;
        if !delivery.gone.is_empty() {
            let gone: Vec<_> = delivery.gone.iter().map(|place| recipients[*place].clone()).collect();
            if let Err(fault) = self.mongo.remove_gone_connections(&gone).await {
                warn!(error = ?fault.source, "Could not forget {} connections that are gone", gone.len());
            }
        }
        delivery
    }
}
