//! 1:1 rooms.
