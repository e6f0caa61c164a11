//! The history checker: seeded clients, faults, and what must hold at the end.
