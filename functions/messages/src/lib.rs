//! Messages of a room.
