//! Operations over the message store that two doors reach.
