//! Messages, room heads, room projections, connections, tickets: the record in MongoDB.
