//! Alive and ready.
