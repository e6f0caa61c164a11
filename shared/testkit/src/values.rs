//! Values of the domain with defaults, so that a test names only what it is about.
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test ends where its set-up fails")]

use domain::{ClientId, Content, Locale, MessageDraft, MessageType, Person, Privacy, RoomKey, UserId};

/// An active person without friends and blocks, as of their first version.
pub fn person(id: UserId, username: &str) -> Person {
    Person {
        id,
        version: 1,
        username: username.to_owned(),
        display_name: None,
        locale: Locale::Ko,
        privacy: Privacy::default(),
        is_active: true,
        friends: Vec::new(),
        blocked: Vec::new(),
        avatar: None,
    }
}

/// A message that is a text and nothing else.
pub fn draft(room: RoomKey, user: UserId, client_id: &str, content: &str) -> MessageDraft {
    MessageDraft {
        room,
        user,
        content: Content::parse(content).expect("a text that may be sent"),
        message_type: MessageType::Text,
        reply_to: None,
        forwarded_from: None,
        attachments: Vec::new(),
        client_id: ClientId::parse(client_id).expect("visible ASCII characters"),
    }
}
