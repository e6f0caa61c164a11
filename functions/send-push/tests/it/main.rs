//! Who is notified of what, read from the records of the services.
#![expect(clippy::unwrap_used, reason = "a failed arrangement ends the test")]

mod clearing;
mod deciding;
mod failing;
mod once;
mod other;
mod scene;
