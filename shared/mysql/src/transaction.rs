use crate::{
    Blocks, Friendships, Mysql, Outbox, PrivateRooms, Sessions, Users,
    fault::{fault, is_worth_repeating},
};
use domain::Fault;
use sqlx::{MySql, MySqlConnection, Transaction};

/// How often an operation is run before its deadlock becomes the caller's.
const ATTEMPTS: u32 = 4;

/// An open transaction (repeatable read); what it wrote is gone unless `Mysql::transact` commits it.
#[derive(Debug)]
pub struct Tx(Transaction<'static, MySql>);

impl Mysql {
    /// Runs `operation` in a transaction and commits it, from the start again after a deadlock.
    ///
    /// Nothing is kept when the operation fails. `Unavailable` may also mean that the commit's outcome is unknown.
    /// Round trips: begin, commit, and the operation's own.
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
        let mut tx = Tx(self.pool.begin().await.map_err(fault)?);
        // An early return drops the transaction, which rolls it back before its connection is used again.
        let answer = operation(&mut tx, command).await?;
        tx.0.commit().await.map_err(fault)?;
        Ok(answer)
    }
}

impl Tx {
    /// People.
    pub fn users(&mut self) -> Users<&mut MySqlConnection> {
        Users(&mut self.0)
    }

    /// Logins.
    pub fn sessions(&mut self) -> Sessions<&mut MySqlConnection> {
        Sessions(&mut self.0)
    }

    /// Friends and requests.
    pub fn friendships(&mut self) -> Friendships<&mut MySqlConnection> {
        Friendships(&mut self.0)
    }

    /// Who blocked whom.
    pub fn blocks(&mut self) -> Blocks<&mut MySqlConnection> {
        Blocks(&mut self.0)
    }

    /// Rooms of two people.
    pub fn private_rooms(&mut self) -> PrivateRooms<&mut MySqlConnection> {
        PrivateRooms(&mut self.0)
    }

    /// What MongoDB has yet to learn.
    pub fn outbox(&mut self) -> Outbox<&mut MySqlConnection> {
        Outbox(&mut self.0)
    }
}
