use domain::{Calls, Content, Fault, Mentions, MentionsAll, Message, MessageId, RoomKey, UserId};
use mongo::{Mongo, Placement, Reservation};
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
    pub(crate) fn mentions(&self, room: RoomKey, position: &Reservation) -> Mentions {
        self.calls.resolve(&self.known, &position.members, room.kind)
    }

    /// What a new message with the text needs.
    pub(crate) fn placement_of_new(&self, id: MessageId, room: RoomKey) -> Placement {
        self.all(room).map_or(Placement::New(id), |word| Placement::WideMention { new: Some(id), word })
    }

    /// What an edit needs that gives the text to a message: a word that was in it already is not said again.
    pub(crate) fn placement_of_edit(&self, message: &Message) -> Placement {
        let word = self.all(message.room).filter(|word| message.mentions.all < Some(*word));
        word.map_or(Placement::Change, |word| Placement::WideMention { new: None, word })
    }

    fn all(&self, room: RoomKey) -> Option<MentionsAll> {
        self.calls.all(&self.known, room.kind)
    }
}
