//! Answers the frames of a WebSocket connection.
