//! Brings both schemas up to date.
