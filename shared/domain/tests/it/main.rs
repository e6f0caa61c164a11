//! What the public face of `domain` promises as a whole.
#![expect(clippy::unwrap_used, reason = "a failed arrangement ends the test")]

mod search_corpus;
mod search_laws;
mod search_recall;
mod search_rows;
