//! What the message path relies on, on a real MongoDB.
#![expect(clippy::unwrap_used, reason = "a failed arrangement ends the test")]

mod backfill;
mod batches;
mod claims;
mod crowd;
mod devices;
mod ended_groups;
mod feed;
mod frozen;
mod gate_reads;
mod gates;
mod limits;
mod logins;
mod notifications;
mod order;
mod owed;
mod people;
mod plans;
mod presence;
mod provider_tokens;
mod push_answers;
mod quotes;
mod read_states;
mod refused_login;
mod room_lists;
mod rooms;
mod scans;
mod scene;
mod schema;
mod search;
mod search_plans;
mod sockets;
mod tickets;
mod uploads;
