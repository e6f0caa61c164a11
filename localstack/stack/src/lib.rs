//! Databases, functions and gateway, started and stopped together.
