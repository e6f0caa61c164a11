use crate::Projector;
use domain::{Aggregate, Fault, Notice, RoomNotice};
use mysql::Tx;

/// What an operation changed or found unchanged, whom it concerns, and what it answers.
#[derive(Debug, Clone)]
pub struct Changed<T> {
    /// What MongoDB must know before the answer, whether it changed now or before.
    pub touched: Vec<Aggregate>,
    /// Who is told of it.
    pub notices: Vec<Notice>,
    /// Who is told of their own place in a group; its members are told by its system messages.
    pub room_notices: Vec<RoomNotice>,
    /// The answer.
    pub answer: T,
}

impl<T> Changed<T> {
    /// An answer that MongoDB must know about, and of which nobody is told.
    pub fn quietly(touched: Vec<Aggregate>, answer: T) -> Self {
        Self { touched, notices: Vec::new(), room_notices: Vec::new(), answer }
    }
}

impl Projector {
    /// Commits an operation, projects what it touched, and tells whom it concerns, in this order; see `Mysql::transact`.
    ///
    /// After a fault the change may be committed and not projected: the same command again projects it, and so does `relay`.
    pub async fn change<C: Clone, T>(
        &self,
        command: C,
        operation: impl AsyncFn(&mut Tx, C) -> Result<Changed<T>, Fault>,
    ) -> Result<T, Fault> {
        let Changed { touched, notices, room_notices, answer } = self.mysql.transact(command, operation).await?;
        let versions = self.project_all(&touched).await?;
        self.tell(notices, room_notices, &versions).await;
        Ok(answer)
    }
}
