use crate::{
    Blocks, Deletions, Friendships, Groups, Invites, Mails, Members, Mysql, Outbox, PrivateRooms, RoomEvents, Sessions,
    Settings, Users, Versions,
    fault::{fault, is_broken, is_worth_repeating},
    pool::Lease,
};
use domain::Fault;
use sqlx::{Error, Executor as _, MySqlConnection};

/// How often an operation is run before its caller gets the deadlock.
const ATTEMPTS: u32 = 4;

/// An open transaction (repeatable read), which `Mysql::transact` commits. Dropping it closes its connection, which rolls it back.
#[derive(Debug)]
pub struct Tx(Lease);

impl Mysql {
    /// Runs `operation` in a transaction and commits it, from the start again after a deadlock.
    ///
    /// Nothing is kept when the operation fails. `Unavailable` may also mean that the outcome of the commit is unknown.
    pub async fn transact<C: Clone, T>(
        &self,
        command: C,
        operation: impl AsyncFn(&mut Tx, C) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut attempt = 1;
        loop {
            match self.run(command.clone(), &operation).await {
                Err(fault) if attempt < ATTEMPTS && is_worth_repeating(&fault) => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    async fn run<C, T>(
        &self,
        command: C,
        operation: &impl AsyncFn(&mut Tx, C) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut tx = self.begin().await.map_err(fault)?;
        match operation(&mut tx, command).await {
            Ok(answer) => {
                tx.execute("COMMIT").await?;
                tx.0.give_back();
                Ok(answer)
            }
            Err(refusal) => {
                tx.0.roll_back().await;
                Err(refusal)
            }
        }
    }
}

impl Mysql {
    /// Nothing was done yet on a connection that is found dead, as after a freeze.
    async fn begin(&self) -> Result<Tx, Error> {
        let mut lease = self.pool.lease().await?;
        let begun = lease.connection.execute("BEGIN").await;
        if begun.as_ref().is_err_and(is_broken) {
            lease = self.pool.replace(lease).await?;
            lease.connection.execute("BEGIN").await?;
        } else {
            begun?;
        }
        Ok(Tx(lease))
    }
}

impl Tx {
    async fn execute(&mut self, statement: &'static str) -> Result<(), Fault> {
        self.0.connection.execute(statement).await.map(drop).map_err(fault)
    }

    /// People.
    pub fn users(&mut self) -> Users<&mut MySqlConnection> {
        Users(&mut self.0.connection)
    }

    /// Logins.
    pub fn sessions(&mut self) -> Sessions<&mut MySqlConnection> {
        Sessions(&mut self.0.connection)
    }

    /// What others may learn of people.
    pub fn settings(&mut self) -> Settings<&mut MySqlConnection> {
        Settings(&mut self.0.connection)
    }

    /// Friends and requests.
    pub fn friendships(&mut self) -> Friendships<&mut MySqlConnection> {
        Friendships(&mut self.0.connection)
    }

    /// Who blocked whom.
    pub fn blocks(&mut self) -> Blocks<&mut MySqlConnection> {
        Blocks(&mut self.0.connection)
    }

    /// Accounts that were deleted and of which something is left to do.
    pub fn deletions(&mut self) -> Deletions<&mut MySqlConnection> {
        Deletions(&mut self.0.connection)
    }

    /// Rooms of two people.
    pub fn private_rooms(&mut self) -> PrivateRooms<&mut MySqlConnection> {
        PrivateRooms(&mut self.0.connection)
    }

    /// Groups.
    pub fn groups(&mut self) -> Groups<&mut MySqlConnection> {
        Groups(&mut self.0.connection)
    }

    /// Who is in which group.
    pub fn members(&mut self) -> Members<&mut MySqlConnection> {
        Members(&mut self.0.connection)
    }

    /// Links by which people join groups.
    pub fn invites(&mut self) -> Invites<&mut MySqlConnection> {
        Invites(&mut self.0.connection)
    }

    /// System messages of groups that may not be placed yet.
    pub fn room_events(&mut self) -> RoomEvents<&mut MySqlConnection> {
        RoomEvents(&mut self.0.connection)
    }

    /// Mails that wait, and their tokens.
    pub fn mails(&mut self) -> Mails<&mut MySqlConnection> {
        Mails(&mut self.0.connection)
    }

    /// What MongoDB has yet to learn.
    pub fn outbox(&mut self) -> Outbox<&mut MySqlConnection> {
        Outbox(&mut self.0.connection)
    }

    /// How often people and rooms were changed.
    pub fn versions(&mut self) -> Versions<&mut MySqlConnection> {
        Versions(&mut self.0.connection)
    }
}
