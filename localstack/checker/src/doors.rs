//! What the clients need: requests with answers, and sockets with pushes.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use crate::history::{Answer, Notice, Push, Request, RoomId};

/// The product as its clients reach it. People are numbered from 0.
pub trait Doors {
    /// A session; clones are the same one.
    type Session: Clone;
    /// A WebSocket ticket of a session.
    type Ticket;
    /// An open connection; dropping it closes it.
    type Socket: Socket;

    /// Begins a session.
    fn login(&self, person: usize) -> impl Future<Output = Result<Self::Session, String>>;

    /// Asks over HTTP.
    fn ask(&self, session: &Self::Session, request: &Request) -> impl Future<Output = Answer>;

    /// Uploads a file that has this name and waits until it may be sent; answers its id, or why it was given up.
    fn upload(&self, session: &Self::Session, name: &str) -> impl Future<Output = Result<Arc<str>, String>>;

    /// What devices were notified of since this was asked last, in order.
    fn take_notices(&self) -> Vec<Notice>;

    /// Takes a ticket.
    fn ticket(&self, session: &Self::Session) -> impl Future<Output = Result<Self::Ticket, String>>;

    /// Opens a socket and says hello from `cursor`.
    ///
    /// Pushed frames go to `pushes`, whose sender is dropped when the connection ends.
    fn connect(
        &self,
        ticket: Self::Ticket,
        room: RoomId,
        cursor: u64,
        pushes: UnboundedSender<Push>,
    ) -> impl Future<Output = Result<Hello<Self::Socket>, String>>;
}

/// An open connection.
pub trait Socket {
    /// Asks over the socket.
    fn ask(&self, request: &Request) -> impl Future<Output = Answer>;

    /// Pings and says up to which revision of the room the client is; `None` without an answer.
    fn ping(&self, room: RoomId, cursor: u64) -> impl Future<Output = Option<Standing>>;
}

/// A connection after its `hello`.
#[derive(Debug)]
pub struct Hello<S> {
    /// The connection.
    pub socket: S,
    /// What it said of the room.
    pub standing: Standing,
}

/// What a client is told of a room whose cursor it gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The client has every change.
    Even,
    /// The room is ahead of the cursor.
    Ahead,
    /// The person is not in the room.
    Gone,
}
