use crate::key::{Purpose, Signatures};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Random, Timestamp};
use std::fmt;

/// Random bytes at the beginning of a ticket.
const RANDOM: usize = 32;
/// These, and when it ends in milliseconds since 1970.
const SIGNED: usize = RANDOM + 8;
/// All of this, and its signature.
const WHOLE: usize = SIGNED + 32;

/// Issues and checks tickets.
#[derive(Clone, Debug)]
pub struct Tickets(Signatures);

/// Opens one WebSocket: 32 random bytes, until when, and a signature; 96 characters of base64url.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket([u8; WHOLE]);

/// What stores keep of a ticket: its SHA-256, 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TicketHash(String);

impl Tickets {
    /// Signs with a key of `secret`; one of `second` verifies as well.
    pub fn new(secret: &str, second: Option<&str>) -> Self {
        Self(Signatures::new(Purpose::Tickets, secret, second))
    }

    /// A ticket that nobody has had.
    pub fn issue(&self, random: Random, expires_at: Timestamp) -> Ticket {
        let mut ticket = [0; WHOLE];
        ticket[..RANDOM].copy_from_slice(&random.bytes::<RANDOM>());
        ticket[RANDOM..SIGNED].copy_from_slice(&expires_at.millis().to_be_bytes());
        let tag = self.0.sign(&ticket[..SIGNED]);
        ticket[SIGNED..].copy_from_slice(tag.as_ref());
        Ticket(ticket)
    }

    /// Reads a ticket as a client presents it, in its one spelling; `None` for one that we did not issue, and a late one. Whether
    /// it was used is for the store to say.
    pub fn verify(&self, text: &str, now: Timestamp) -> Option<Ticket> {
        let ticket: [u8; WHOLE] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let end = i64::from_be_bytes(ticket[RANDOM..SIGNED].try_into().ok()?);
        (self.0.are_of(&ticket[..SIGNED], &ticket[SIGNED..]) && end > now.millis()).then_some(Ticket(ticket))
    }
}

impl Ticket {
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

    pub(super) const KEY: &str = "0123456789abcdef0123456789abcdef";
    const OLD: &str = "fedcba9876543210fedcba9876543210";
    pub(super) const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);
    const END: Timestamp = Timestamp::from_millis(1_790_000_060_000);

    pub(super) fn issue(key: &str) -> Ticket {
        Tickets::new(key, None).issue(Random(|bytes| bytes.fill(7)), END)
    }

    #[test]
    fn ticket_reads_back_until_it_ends() {
        let (tickets, ticket) = (Tickets::new(KEY, None), issue(KEY));

        assert_eq!(ticket.reveal().len(), 96);
        assert_eq!(tickets.verify(&ticket.reveal(), NOON), Some(ticket.clone()));
        assert_eq!(tickets.verify(&ticket.reveal(), END), None);
    }

    #[test]
    fn second_key_verifies_too() {
        let ticket = issue(OLD).reveal();

        assert!(Tickets::new(KEY, Some(OLD)).verify(&ticket, NOON).is_some());
        assert_eq!(Tickets::new(KEY, None).verify(&ticket, NOON), None);
    }

    #[test]
    fn ticket_is_not_shown_in_debug_output() {
        let ticket = issue(KEY);
        assert_eq!(format!("{ticket:?}"), "Ticket(..)");
        assert_eq!(ticket.hash().as_str(), hash_hex(&ticket.0));
        assert_eq!(hash_hex(&[0; 32]), "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
    }
}

#[cfg(test)]
mod properties {
    use super::{
        tests::{KEY, NOON, issue},
        *,
    };
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parser_survives_any_text(text in "[A-Za-z0-9_=+/-]{94,98}|\\PC{0,100}") {
            prop_assert_eq!(Tickets::new(KEY, None).verify(&text, NOON), None);
        }

        #[test]
        fn changed_ticket_is_refused(at in 0usize..96, to in "[A-Za-z0-9_-]") {
            let ticket = issue(KEY).reveal();
            let changed = format!("{}{to}{}", &ticket[..at], &ticket[at + 1..]);
            prop_assume!(changed != ticket);
            prop_assert_eq!(Tickets::new(KEY, None).verify(&changed, NOON), None);
        }
    }
}
