//! Frames, and their delivery to connections.
