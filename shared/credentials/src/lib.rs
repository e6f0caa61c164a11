#![doc = include_str!("../README.md")]

mod access;
mod fingerprint;
mod invite;
mod key;
mod mail_token;
mod password;
mod provider_key;
mod refresh;
mod ticket;

pub use access::{AccessTokens, Claims, TokenError, UnknownAlgorithm};
pub use fingerprint::Fingerprints;
pub use invite::InviteCode;
pub use key::Purpose;
pub use mail_token::{MailToken, MailTokens};
pub use password::{Verdict, hash_password, verify_password};
pub use provider_key::{BadProviderKey, ProviderKey};
pub use refresh::{RefreshToken, RefreshTokens};
pub use ticket::{Ticket, TicketHash, Tickets, hash_hex};
