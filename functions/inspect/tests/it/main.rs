//! What becomes of files that have arrived, over the real protocol of S3 and with real children.
#![expect(clippy::unwrap_used, reason = "a failed arrangement ends the test")]

mod failing;
mod hostile;
mod inspecting;
mod scanning;
mod scene;
