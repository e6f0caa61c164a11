//! Opens a WebSocket connection by its ticket.
