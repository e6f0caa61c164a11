//! What the clients need of a product: a request in, an answer out, and a socket that pushes.

use tokio::sync::mpsc::UnboundedSender;

use crate::history::{Answer, Message, Request, RoomId};

/// A product as its clients reach it. People are numbered from 0.
pub trait Doors {
    /// A person's login on one device; clones are the same one.
    type Session: Clone;
    /// Opens one socket for the session that it was given to.
    type Ticket;
    /// An open connection; dropping it closes it.
    type Socket: Socket;

    /// Begins a session.
    fn login(&self, person: usize) -> impl Future<Output = Result<Self::Session, String>>;

    /// Asks over HTTP.
    fn ask(&self, session: &Self::Session, request: &Request) -> impl Future<Output = Answer>;

    /// Takes a ticket.
    fn ticket(&self, session: &Self::Session) -> impl Future<Output = Result<Self::Ticket, String>>;

    /// Opens a socket and says hello from `cursor`.
    ///
    /// Pushed messages go to `pushes`, whose sender is dropped when the connection ends.
    fn connect(
        &self,
        ticket: Self::Ticket,
        room: RoomId,
        cursor: u64,
        pushes: UnboundedSender<Message>,
    ) -> impl Future<Output = Result<Hello<Self::Socket>, String>>;
}

/// An open connection.
pub trait Socket {
    /// Asks over the socket.
    fn ask(&self, request: &Request) -> impl Future<Output = Answer>;

    /// Whether a ping came back.
    fn ping(&self) -> impl Future<Output = bool>;
}

/// A connection that was greeted.
#[derive(Debug)]
pub struct Hello<S> {
    /// The connection.
    pub socket: S,
    /// Whether the room is ahead of the cursor that was said.
    pub ahead: bool,
}
