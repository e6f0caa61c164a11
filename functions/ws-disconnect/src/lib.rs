//! Forgets a closed WebSocket connection.
