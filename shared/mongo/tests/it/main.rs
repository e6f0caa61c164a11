//! What the message path relies on, on a real MongoDB.
#![expect(clippy::unwrap_used, reason = "what fails in a test's house ends the test")]

mod abandoned;
mod house;
mod limits;
mod logins;
mod people;
mod places;
mod plans;
mod quotes;
mod reading;
mod room_lists;
mod schema;
mod tickets;
