use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Random;
use std::fmt;

/// Opens one WebSocket: 32 random bytes, 43 characters of base64url.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket([u8; 32]);

/// What stores keep of a ticket: its SHA-256, 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TicketHash(String);

impl Ticket {
    /// A ticket that nobody has had.
    pub fn issue(random: Random) -> Self {
        Self(random.bytes())
    }

    /// Reads a ticket as a client presents it; it has one spelling.
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The text that its owner gets, once.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The form at rest.
    pub fn hash(&self) -> TicketHash {
        TicketHash(hash_hex(&self.0))
    }
}

/// The SHA-256 of what a store should know again and not know, 64 hex digits.
pub fn hash_hex(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

impl TicketHash {
    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_ticket() {
        let ticket = Ticket::issue(Random(|bytes| bytes.fill(0)));
        assert_eq!(format!("{ticket:?}"), "Ticket(..)");
        assert_eq!(ticket.hash().as_str(), "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ticket_reads_back(bytes: [u8; 32]) {
            prop_assert_eq!(Ticket::parse(&Ticket(bytes).reveal()), Some(Ticket(bytes)));
        }

        #[test]
        fn ticket_has_one_spelling(text in "[A-Za-z0-9_=+/-]{40,46}|\\PC{0,60}") {
            if let Some(ticket) = Ticket::parse(&text) { prop_assert_eq!(ticket.reveal(), text); }
        }
    }
}
