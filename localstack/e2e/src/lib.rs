//! The journeys: the whole stack over the wire.
