//! The whole stack on one machine: up, test, check, doctor, clean.
