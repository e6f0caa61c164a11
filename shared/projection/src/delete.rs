use crate::{Changed, Projector};
use domain::{Aggregate, Code, Fault, MailKind, Timestamp, UserId};
use mysql::Tx;

/// An account is to be deleted by whoever has shown its password.
#[derive(Debug, Clone)]
pub struct DeleteAccount {
    /// Whose.
    pub user: UserId,
    /// The hash that the password was compared with.
    pub password_hash: String,
    /// When.
    pub at: Timestamp,
}

impl Projector {
    /// Empties an account and ends its sessions, whose tokens and connections are dead when this returns. What else is to be done is
    /// noted, and `relay` does it. Repeating it changes nothing. `WrongPassword` if the password was changed since it was compared.
    pub async fn delete_account(&self, command: DeleteAccount) -> Result<(), Fault> {
        self.change(command, delete_account).await
    }
}

async fn delete_account(tx: &mut Tx, command: DeleteAccount) -> Result<Changed<()>, Fault> {
    let DeleteAccount { user, password_hash, at } = command;
    // The projection of a person who is not active ends their sessions and closes their rooms.
    let touched = vec![Aggregate::Person(user)];
    tx.users().lock(&[user]).await?;
    // By the account's current address, so that its tokens are invalid for the next owner of the address.
    for kind in [MailKind::VerifyEmail, MailKind::ResetPassword] {
        tx.mails().remove_of(user, kind).await?;
    }
    if !tx.users().delete(user, &password_hash, at).await? {
        // Another request has deleted it, or changed the password.
        let is_deleted = tx.users().is_deleted(user).await?;
        return if is_deleted { Ok(Changed::quietly(touched, ())) } else { Err(Code::WrongPassword.into()) };
    }
    tx.users().remove_names(user).await?;
    tx.settings().remove(user).await?;
    tx.sessions().revoke_all(user, at).await?;
    tx.deletions().insert(user, at).await?;
    tx.outbox().insert(&touched, at).await?;
    Ok(Changed::quietly(touched, ()))
}
