use crate::Projector;
use domain::{Fault, OrLog as _, RoomEvent, RoomId};
use messaging::Messenger;

impl Projector {
    /// Places the system messages of a group's changes, in their order, and removes what is placed. Safe to repeat, and for two at
    /// once.
    pub(crate) async fn place_events(&self, room: RoomId, events: &[RoomEvent]) -> Result<(), Fault> {
        let Self { mongo, announcer, clock, .. } = self.clone();
        messaging::place_events(&Messenger { mongo, announcer, clock }, room, events).await?;
        // The next request finds remaining ones already placed.
        self.mysql.room_events().remove(events).await.or_log("forget changes that are placed");
        Ok(())
    }
}
