//! Mails on a real MySQL, sent to a server that takes them as SES does.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod sending;
mod trying;
mod waiting;
