//! Test support: databases, fake clock, recording pusher, builders.
