use domain::{Calls, Content, Fault, Mentions, UserId};
use mongo::{Mongo, Reservation};
use std::collections::HashMap;

/// The names in a text and whose they are, before it is known who is in the room.
#[derive(Debug, Default)]
pub(crate) struct Named {
    calls: Calls,
    known: HashMap<String, UserId>,
}

impl Named {
    /// Asks who has the names in a text; nothing where there are none.
    pub(crate) async fn find(mongo: &Mongo, text: &Content) -> Result<Self, Fault> {
        let calls = Calls::in_text(text.as_str());
        let known = mongo.people().list_by_names(&calls.names()).await?;
        Ok(Self { calls, known })
    }

    /// Whom the text mentions: members as of the position in the room that its writer got.
    pub(crate) fn mentions(&self, reservation: &Reservation) -> Mentions {
        self.calls.resolve(&self.known, &reservation.members, reservation.role)
    }
}
