use crate::{Mongo, Stored, fault::store_fault, messages::in_room};
use domain::{Code, Fault, Rev, RoomKey, Seq, UserId};
use mongodb::{
    ClientSession,
    bson::{Document, doc},
};

/// Where a page of messages lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The newest messages.
    Newest,
    /// Those just before a number.
    Before(Seq),
    /// Those just after a number.
    After(Seq),
    /// Those on both sides of a number, itself included.
    Around(Seq),
}

/// A page of messages by `seq`: a view, no feed.
#[derive(Debug)]
pub struct Window {
    /// Oldest first.
    pub rows: Vec<Stored>,
    /// Whether there are older ones.
    pub has_before: bool,
    /// Whether there are newer ones.
    pub has_after: bool,
    /// Where to go on with `sync`: read before the rows.
    pub cursor: Rev,
}

/// Changes of a room since a cursor, in order.
#[derive(Debug)]
pub struct Feed {
    /// Each message that changed, as of now, by `rev`.
    pub rows: Vec<Stored>,
    /// Where to go on when all rows are taken and none were cut.
    pub safe: Rev,
    /// The newest place given out.
    pub head: Rev,
    /// Whether more rows up to `safe` are left.
    pub cut: bool,
}

impl Mongo {
    /// A page of a room for one of its members.
    ///
    /// Four round trips: head, rows, what lies beyond (but for the newest page), rights; two more when the head has entries of
    /// the dead. The rights are read last, in the same causally consistent session: who was removed gets nothing newer.
    pub async fn list_messages(
        &self,
        room: RoomKey,
        user: UserId,
        anchor: Anchor,
        limit: i64,
    ) -> Result<Window, Fault> {
        let mut session = self.causal_session().await?;
        let head = self.head_in(&mut session, room, user).await?.ok_or(Code::RoomNotFound)?;
        let (rows, has_before, has_after) = match anchor {
            Anchor::Newest => {
                let (rows, older) = self.page_in(&mut session, room, None, -1, limit).await?;
                (rows, older, false)
            }
            Anchor::Before(seq) => {
                let (rows, older) = self.page_in(&mut session, room, Some(doc! { "$lt": seq.0 }), -1, limit).await?;
                let (_, newer) = self.page_in(&mut session, room, Some(doc! { "$gte": seq.0 }), 1, 0).await?;
                (rows, older, newer)
            }
            Anchor::After(seq) => {
                let (rows, newer) = self.page_in(&mut session, room, Some(doc! { "$gt": seq.0 }), 1, limit).await?;
                let (_, older) = self.page_in(&mut session, room, Some(doc! { "$lte": seq.0 }), -1, 0).await?;
                (rows, older, newer)
            }
            Anchor::Around(seq) => {
                let (mut rows, older) =
                    self.page_in(&mut session, room, Some(doc! { "$lt": seq.0 }), -1, limit / 2).await?;
                let (after, newer) =
                    self.page_in(&mut session, room, Some(doc! { "$gte": seq.0 }), 1, limit - limit / 2).await?;
                rows.extend(after);
                (rows, older, newer)
            }
        };
        self.admitted(&mut session, room, user).await?;
        Ok(Window { rows, has_before, has_after, cursor: head.safe })
    }

    /// What changed in a room after a cursor, for one of its members. Three round trips: head, rows, rights;
    /// two more when the head has entries of the dead.
    pub async fn list_changes(&self, room: RoomKey, user: UserId, after: Rev, limit: i64) -> Result<Feed, Fault> {
        let mut session = self.causal_session().await?;
        let head = self.head_in(&mut session, room, user).await?.ok_or(Code::RoomNotFound)?;
        let mut filter = in_room(room);
        filter.insert("rev", doc! { "$gt": after.0, "$lte": head.safe.0 });
        let mut rows = self.rows_in(&mut session, filter, doc! { "rev": 1 }, limit + 1).await?;
        let cut = truncate(&mut rows, limit);
        self.admitted(&mut session, room, user).await?;
        Ok(Feed { rows, safe: head.safe, head: head.rev, cut })
    }

    /// Up to `limit` rows oldest first, and whether there are more in the direction of `order`.
    async fn page_in(
        &self,
        session: &mut ClientSession,
        room: RoomKey,
        seq: Option<Document>,
        order: i32,
        limit: i64,
    ) -> Result<(Vec<Stored>, bool), Fault> {
        let mut filter = in_room(room);
        if let Some(condition) = seq {
            filter.insert("seq", condition);
        }
        let mut rows = self.rows_in(session, filter, doc! { "seq": order }, limit + 1).await?;
        let more = truncate(&mut rows, limit);
        if order < 0 {
            rows.reverse();
        }
        Ok((rows, more))
    }

    async fn admitted(&self, session: &mut ClientSession, room: RoomKey, user: UserId) -> Result<(), Fault> {
        let access = self.find_access_in(session, room).await?.ok_or(Code::RoomNotFound)?;
        access.admit(user)?;
        Ok(())
    }

    async fn causal_session(&self) -> Result<ClientSession, Fault> {
        self.client.start_session().causal_consistency(true).await.map_err(store_fault)
    }

    async fn rows_in(
        &self,
        session: &mut ClientSession,
        filter: Document,
        sort: Document,
        limit: i64,
    ) -> Result<Vec<Stored>, Fault> {
        let messages = self.messages();
        let found =
            messages.find(filter).sort(sort).limit(limit).batch_size(u32::try_from(limit + 1).unwrap_or(u32::MAX));
        let mut cursor = found.session(&mut *session).await.map_err(store_fault)?;
        let mut rows = Vec::new();
        while let Some(row) = cursor.next(&mut *session).await {
            rows.push(Stored::from(row.map_err(store_fault)?));
        }
        Ok(rows)
    }
}

/// Cuts a page that was read with one row too many, and tells whether it had it.
fn truncate(rows: &mut Vec<Stored>, limit: i64) -> bool {
    let limit = usize::try_from(limit).unwrap_or(0);
    let more = rows.len() > limit;
    rows.truncate(limit);
    more
}
