use crate::{
    Blocks, Deletions, Friendships, Groups, Invites, Mails, Members, Outbox, Pool, PrivateRooms, Relations, RoomEvents,
    Schema, Sessions, Settings, Users, Versions, fault::fault, options::options,
};
use domain::Fault;
use sqlx::Executor as _;

/// The server, through connections that are opened when they are first needed.
#[derive(Debug, Clone)]
pub struct Mysql {
    pub(crate) pool: Pool,
}

impl Mysql {
    /// As many connections as a Lambda uses: it serves one request at a time, whose statements take turns.
    pub const LAMBDA_CONNECTIONS: u32 = 1;

    /// Reads the URL, `mysql://user:password@host/database`, without connecting.
    pub fn connect(url: &str, connections: u32) -> Result<Self, Fault> {
        Ok(Self { pool: Pool::new(options(url).map_err(Fault::internal)?, connections) })
    }

    /// Whether the server answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        (&self.pool).execute("SELECT 1").await.map(drop).map_err(fault)
    }

    /// People.
    pub fn users(&self) -> Users<&Pool> {
        Users(&self.pool)
    }

    /// Logins.
    pub fn sessions(&self) -> Sessions<&Pool> {
        Sessions(&self.pool)
    }

    /// What others may learn of people.
    pub fn settings(&self) -> Settings<&Pool> {
        Settings(&self.pool)
    }

    /// Friends and requests.
    pub fn friendships(&self) -> Friendships<&Pool> {
        Friendships(&self.pool)
    }

    /// Who blocked whom.
    pub fn blocks(&self) -> Blocks<&Pool> {
        Blocks(&self.pool)
    }

    /// Accounts that were deleted and of which something is left to do.
    pub fn deletions(&self) -> Deletions<&Pool> {
        Deletions(&self.pool)
    }

    /// Rooms of two people.
    pub fn private_rooms(&self) -> PrivateRooms<&Pool> {
        PrivateRooms(&self.pool)
    }

    /// Groups.
    pub fn groups(&self) -> Groups<&Pool> {
        Groups(&self.pool)
    }

    /// Who is in which group.
    pub fn members(&self) -> Members<&Pool> {
        Members(&self.pool)
    }

    /// Links by which people join groups.
    pub fn invites(&self) -> Invites<&Pool> {
        Invites(&self.pool)
    }

    /// System messages of groups that may not be placed yet.
    pub fn room_events(&self) -> RoomEvents<&Pool> {
        RoomEvents(&self.pool)
    }

    /// Mails that wait, and their tokens.
    pub fn mails(&self) -> Mails<&Pool> {
        Mails(&self.pool)
    }

    /// What MongoDB has yet to learn.
    pub fn outbox(&self) -> Outbox<&Pool> {
        Outbox(&self.pool)
    }

    /// How often people and rooms were changed.
    pub fn versions(&self) -> Versions<&Pool> {
        Versions(&self.pool)
    }

    /// What there is between two people.
    pub fn relations(&self) -> Relations<&Pool> {
        Relations(&self.pool)
    }

    /// The tables themselves.
    pub fn schema(&self) -> Schema<'_> {
        Schema(&self.pool)
    }
}
