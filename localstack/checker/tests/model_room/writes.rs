//! Changes of a room: reserve, write, release.

use std::sync::Arc;

use checker::history::{Answer, Message, RoomId};
use tokio::time::Instant;

use super::{Asker, Entry, Event, Mistake, ModelRoom, Row, TOO_OLD, refused};

enum Written {
    Ok(Message),
    Duplicate,
    Lost,
}

/// A message to send.
pub(super) struct Draft {
    /// What a retry must say again.
    pub(super) sent: Arc<str>,
    pub(super) content: Arc<str>,
    /// The text whose names are mentioned.
    pub(super) mentioned: Option<Arc<str>>,
    /// Who wrote the text, of a forward.
    pub(super) from: Option<u64>,
    /// The upload to send.
    pub(super) file: Option<Arc<str>>,
}

/// What a change makes of a message.
#[derive(Clone)]
pub(super) enum Change {
    Text(Arc<str>),
    Tombstone,
    Pin { takes_back: bool },
    Reaction { by: u64, emoji: Arc<str>, takes_back: bool },
}

impl ModelRoom {
    pub(super) async fn send(&self, asker: Asker, room: RoomId, client_id: Arc<str>, draft: Draft) -> Option<Answer> {
        let Draft { sent, content, mentioned, from, file } = draft;
        let mut fresh = false;
        loop {
            let op = self.id();
            let version = match self.admit(asker, room, fresh) {
                Ok(version) => version,
                Err(refused) if !self.is_in(room, asker.person) => return Some(refused),
                Err(_) if self.is_there(room, &client_id) && !self.is(Mistake::RefusedRetry) => {
                    return self.again(asker, room, &client_id, &sent).await;
                }
                Err(refused) => return Some(refused),
            };
            self.step().await?;
            let Some((seq, rev)) = self.reserve(room, op, 1, version) else {
                fresh = true;
                continue;
            };
            let mentions = mentioned.as_ref().map(|text| self.mentioned(room, text)).unwrap_or_default();
            self.step().await?;
            if self.is(Mistake::ReleaseBeforeWrite) {
                self.release(room, op);
                self.step().await?;
            }
            let message = Message {
                id: format!("{:024x}", self.id()).into(),
                room,
                seq,
                rev,
                author: asker.person,
                client_id: Some(Arc::clone(&client_id)),
                content: Arc::clone(&content),
                deleted: false,
                pinned: false,
                mentions,
                forwarded_from: from,
                files: file.iter().cloned().collect(),
                reactions: Box::default(),
                system: None,
            };
            if self.is(Mistake::AckBeforeWrite) {
                let (late, lost, sent) = (self.clone(), message.clone(), Arc::clone(&sent));
                tokio::spawn(async move {
                    late.step().await?;
                    late.insert(lost, sent, version);
                    late.release(room, op).then_some(())
                });
                return Some(Answer::Ack { message, dup: Some(false) });
            }
            match self.insert(message, Arc::clone(&sent), version) {
                Written::Ok(message) => return self.publish(asker, op, message, Some(false)).await,
                Written::Lost => drop(self.release(room, op)),
                Written::Duplicate => {
                    self.release(room, op);
                    self.step().await?;
                    if file.is_some() && !self.is_there(room, &client_id) {
                        return Some(refused(409, "upload_taken"));
                    }
                    return self.again(asker, room, &client_id, &sent).await;
                }
            }
            self.step().await?;
        }
    }

    /// Sends the text of a message again, once per `client_id`.
    pub(super) async fn forward(
        &self,
        asker: Asker,
        room: RoomId,
        message: &Arc<str>,
        client_id: Arc<str>,
    ) -> Option<Answer> {
        let is_source = |row: &&Row| row.message.id == *message && !row.message.deleted;
        let source = self.room(room, |room| room.rows.iter().find(is_source).map(|row| row.message.clone()));
        let is_in = self.is_in(room, asker.person);
        if !is_in || source.is_none() && !self.is_there(room, &client_id) {
            return Some(refused(404, "message_not_found"));
        }
        if source.as_ref().is_some_and(|source| !source.files.is_empty()) {
            return Some(refused(422, "invalid_fields"));
        }
        let content = source.as_ref().map_or_else(|| "".into(), |source| Arc::clone(&source.content));
        let mentioned = self.is(Mistake::ForwardedMentions).then(|| Arc::clone(&content));
        let from = source.map(|source| source.forwarded_from.unwrap_or(source.author));
        self.send(asker, room, client_id, Draft { sent: Arc::clone(message), content, mentioned, from, file: None })
            .await
    }

    /// Places a system message once, whatever the rights are.
    pub(super) async fn place(&self, asker: Asker, room: RoomId, event: &Event) -> Option<()> {
        let name: Arc<str> = format!("event {}", event.number).into();
        loop {
            let twice = self.is(Mistake::EventTwice);
            let same = |row: &&Row| !twice && row.message.client_id.as_ref() == Some(&name);
            if let Some(row) = self.room(room, |room| room.rows.iter().find(same).cloned()) {
                return self.as_it_is(asker, row, None).await.map(drop);
            }
            let op = self.id();
            let (seq, rev) = self.room(room, |room| room.head.reserve(op, 1, 0, 0));
            self.step().await?;
            let client_id = if twice { format!("event {op}").into() } else { Arc::clone(&name) };
            let message = Message {
                id: format!("{:024x}", self.id()).into(),
                room,
                seq,
                rev,
                author: event.system.by,
                client_id: Some(client_id),
                content: "".into(),
                deleted: false,
                pinned: false,
                mentions: Box::default(),
                forwarded_from: None,
                files: Box::default(),
                reactions: Box::default(),
                system: Some(Box::new(event.system.clone())),
            };
            match self.insert(message, "".into(), u64::MAX) {
                Written::Ok(message) => return self.publish(asker, op, message, None).await.map(drop),
                Written::Lost | Written::Duplicate => drop(self.release(room, op)),
            }
            self.step().await?;
        }
    }

    fn is_there(&self, room: RoomId, client_id: &str) -> bool {
        self.room(room, |room| room.rows.iter().any(|row| row.message.client_id.as_deref() == Some(client_id)))
    }

    /// A retry: what is there already, if it is the same.
    async fn again(&self, asker: Asker, room: RoomId, client_id: &str, content: &str) -> Option<Answer> {
        let same = |row: &&Row| row.message.client_id.as_deref() == Some(client_id);
        let row = self.room(room, |room| room.rows.iter().find(same).cloned())?;
        let by_text = self.is(Mistake::RetryAgainstEditedText) && row.message.forwarded_from.is_none();
        let first = if by_text { &row.message.content } else { &row.sent };
        if **first != *content {
            return Some(refused(409, "client_id_reused"));
        }
        self.as_it_is(asker, row, Some(true)).await
    }

    /// The row as it is, stamped if nobody knows whether it was released.
    async fn as_it_is(&self, asker: Asker, row: Row, dup: Option<bool>) -> Option<Answer> {
        if !row.pending || self.is(Mistake::UnstampedRetry) {
            return Some(Answer::Ack { message: row.message, dup });
        }
        let message = self.stamp(row.message.room, &row.message.id).await?;
        self.push(asker, &message);
        Some(Answer::Ack { message, dup })
    }

    pub(super) async fn edit(&self, asker: Asker, room: RoomId, id: &str, content: &Arc<str>) -> Option<Answer> {
        self.change(asker, room, id, &Change::Text(Arc::clone(content))).await
    }

    pub(super) async fn delete(&self, asker: Asker, room: RoomId, id: &str) -> Option<Answer> {
        self.change(asker, room, id, &Change::Tombstone).await
    }

    pub(super) async fn change(&self, asker: Asker, room: RoomId, id: &str, change: &Change) -> Option<Answer> {
        let mut fresh = false;
        loop {
            let op = self.id();
            let version = match (self.admit(asker, room, fresh), change) {
                (Ok(version), _) => version,
                (Err(_), _) if !self.is_in(room, asker.person) => return Some(refused(404, "message_not_found")),
                // Whoever has blocked the other one may still take back what they said.
                (Err(_), Change::Tombstone) => u64::MAX,
                (Err(refused), _) => return Some(refused),
            };
            let row = self.room(room, |room| room.rows.iter().find(|row| *row.message.id == *id).cloned());
            let Some(row) = row else { return Some(refused(404, "message_not_found")) };
            // What is so already is answered without a reservation.
            if !self.is_in(room, asker.person) {
                return Some(refused(404, "message_not_found"));
            }
            let is_own = row.message.author == asker.person;
            let is_for_staff = matches!(change, Change::Pin { .. }) || matches!(change, Change::Tombstone) && !is_own;
            let is_staff = self.room(room, |room| room.rights.has_staff(asker.person));
            if is_for_staff && !is_staff && !self.is(Mistake::StaffForAll) {
                return Some(refused(403, "not_permitted"));
            }
            match change {
                Change::Pin { .. } | Change::Reaction { .. } if row.message.deleted => {
                    return Some(refused(404, "message_not_found"));
                }
                Change::Pin { takes_back } if row.message.pinned != *takes_back => {
                    return self.as_it_is(asker, row, None).await;
                }
                Change::Text(_) if row.message.deleted && !self.is(Mistake::EditOfTombstone) => {
                    return Some(refused(404, "message_not_found"));
                }
                Change::Reaction { by, emoji, takes_back } => {
                    let is_there = row.reactors.contains(&(Arc::clone(emoji), *by));
                    if is_there != *takes_back && !self.is(Mistake::RepeatedReaction) {
                        return self.as_it_is(asker, row, None).await;
                    }
                    let kinds = &row.message.reactions;
                    if !takes_back && kinds.len() >= 20 && kinds.iter().all(|(kind, _)| kind != emoji) {
                        return Some(refused(409, "too_many_reactions"));
                    }
                }
                Change::Tombstone if row.message.deleted => return self.as_it_is(asker, row, None).await,
                _ => {}
            }
            self.step().await?;
            let Some((_, rev)) = self.reserve(room, op, 0, version) else {
                fresh = true;
                continue;
            };
            let mentions = match change {
                Change::Text(text) => self.mentioned(room, text),
                Change::Tombstone | Change::Pin { .. } | Change::Reaction { .. } => Box::default(),
            };
            self.step().await?;
            if self.is(Mistake::ReleaseBeforeWrite) {
                self.release(room, op);
                self.step().await?;
            }
            match self.update(room, id, rev, change, mentions) {
                Some(message) => return self.publish(asker, op, message, None).await,
                None => self.release(room, op),
            };
            self.step().await?;
        }
    }

    /// Writes a change where its `rev` is higher and the message is not deleted; `None` if it lost.
    fn update(&self, room: RoomId, id: &str, rev: u64, change: &Change, mentions: Box<[u64]>) -> Option<Message> {
        let by_rev = self.has_unique_revs();
        let guarded = !self.is(match change {
            Change::Text(_) => Mistake::UnguardedEdit,
            Change::Tombstone | Change::Pin { .. } | Change::Reaction { .. } => Mistake::UnguardedDelete,
        });
        let (revives, keeps) = (self.is(Mistake::RevivingEdit), self.is(Mistake::EditOfTombstone));
        let (forgets, repeats) = (self.is(Mistake::ForgottenReactions), self.is(Mistake::RepeatedReaction));
        let unpins = self.is(Mistake::ForgottenPin);
        let (keeps_reactions, keeps_file) = (self.is(Mistake::TombstoneReactions), self.is(Mistake::TombstoneFile));
        self.room(room, |room| {
            let taken = by_rev && room.rows.iter().any(|row| row.message.rev == rev);
            let row = room.rows.iter_mut().find(|row| *row.message.id == *id)?;
            if taken || guarded && row.message.rev >= rev || row.message.deleted && !revives && !keeps {
                return None;
            }
            row.message.rev = rev;
            match change {
                Change::Text(_) if row.message.deleted && keeps => {}
                Change::Text(content) => {
                    row.message.content = Arc::clone(content);
                    row.message.deleted = false;
                    row.message.mentions = mentions;
                    if forgets {
                        row.reactors.clear();
                    }
                    row.message.pinned &= !unpins;
                }
                Change::Tombstone => {
                    row.message.content = "".into();
                    row.message.mentions = Box::default();
                    if !keeps_file {
                        row.message.files = Box::default();
                    }
                    row.message.deleted = true;
                    row.message.pinned = false;
                    if !keeps_reactions {
                        row.reactors.clear();
                    }
                }
                Change::Pin { takes_back } => row.message.pinned = !takes_back,
                Change::Reaction { by, emoji, takes_back } => {
                    let one = (Arc::clone(emoji), *by);
                    if *takes_back {
                        row.reactors.retain(|other| *other != one);
                    } else if repeats || !row.reactors.contains(&one) {
                        row.reactors.push(one);
                    }
                }
            }
            row.message.reactions = counted(&row.reactors);
            (row.pending, row.released) = (true, false);
            let image = row.message.clone();
            room.durable = room.head.clone();
            Some(image)
        })
    }

    /// Releases until it counts, then pushes and answers.
    async fn publish(&self, asker: Asker, op: u64, message: Message, dup: Option<bool>) -> Option<Answer> {
        self.step().await?;
        let unchecked = self.is(Mistake::UncountedRelease) || self.is(Mistake::ReleaseBeforeWrite);
        let message = if self.release(message.room, op) || unchecked {
            self.note_released(&message);
            message
        } else {
            self.stamp(message.room, &message.id).await?
        };
        self.step().await?;
        self.push(asker, &message);
        self.step().await?;
        self.room(message.room, |room| {
            for row in room.rows.iter_mut().filter(|row| row.message.id == message.id && row.message.rev == message.rev)
            {
                row.pending = false;
            }
        });
        Some(Answer::Ack { message, dup })
    }

    fn note_released(&self, message: &Message) {
        self.room(message.room, |room| {
            for row in room.rows.iter_mut().filter(|row| row.message.id == message.id && row.message.rev == message.rev)
            {
                row.released = true;
            }
        });
    }

    /// Moves what was never released above all cursors: its revision may be one that readers have passed, of a change that was lost.
    pub(super) async fn sweep(&self) {
        let rooms: Vec<RoomId> = self.lock().rooms.keys().copied().collect();
        for room in rooms {
            let left = |row: &&Row| row.pending && !row.released;
            let ids: Vec<Arc<str>> =
                self.room(room, |room| room.rows.iter().filter(left).map(|row| Arc::clone(&row.message.id)).collect());
            for id in ids {
                self.stamp(room, &id).await;
            }
        }
    }

    async fn stamp(&self, room: RoomId, id: &str) -> Option<Message> {
        loop {
            let op = self.id();
            let row = self.room(room, |room| room.rows.iter().find(|row| *row.message.id == *id).cloned())?;
            let (_, rev) = self.reserve_above(room, op, &row.message);
            self.step().await?;
            let by_rev = self.has_unique_revs();
            let stamped = self.room(room, |room| {
                if by_rev && room.rows.iter().any(|row| row.message.rev == rev) {
                    return None;
                }
                let row = room.rows.iter_mut().find(|row| *row.message.id == *id && row.message.rev < rev)?;
                row.message.rev = rev;
                (row.pending, row.released) = (true, false);
                let image = row.message.clone();
                room.durable = room.head.clone();
                Some(image)
            });
            self.step().await?;
            let counted = self.release(room, op);
            if let Some(message) = stamped.filter(|_| counted) {
                self.note_released(&message);
                return Some(message);
            }
        }
    }

    /// A reservation for a change, by rights that are still current.
    fn reserve(&self, room: RoomId, op: u64, messages: u64, version: u64) -> Option<(u64, u64)> {
        let fenced = !self.is(Mistake::UnfencedReserve);
        self.room(room, |room| (!fenced || room.head.access <= version).then(|| room.head.reserve(op, messages, 0, 0)))
    }

    /// A reservation for an existing row.
    fn reserve_above(&self, room: RoomId, op: u64, message: &Message) -> (u64, u64) {
        self.room(room, |room| room.head.reserve(op, 0, message.seq, message.rev))
    }

    fn release(&self, room: RoomId, op: u64) -> bool {
        self.room(room, |room| {
            let before = room.head.in_flight.len();
            room.head.in_flight.retain(|entry| entry.op != op);
            room.head.in_flight.len() < before
        })
    }

    fn insert(&self, message: Message, sent: Arc<str>, version: u64) -> Written {
        let by_name = !self.is(Mistake::NoUniqueClientId);
        let by_version = self.is(Mistake::NameUntilRightsChange);
        let by_file = !self.is(Mistake::UploadInTwo);
        let by_seq = !self.is(Mistake::NoUniqueSeq);
        let by_rev = self.has_unique_revs();
        let file = message.files.first().cloned();
        self.room(message.room, |room| {
            let same =
                |row: &Row| row.message.client_id == message.client_id && (!by_version || row.version == version);
            let has_file = |row: &Row| by_file && file.is_some() && row.file == file;
            if by_name && room.rows.iter().any(same) || room.rows.iter().any(has_file) {
                return Written::Duplicate;
            }
            let taken =
                |row: &Row| by_seq && row.message.seq == message.seq || by_rev && row.message.rev == message.rev;
            if room.rows.iter().any(taken) {
                return Written::Lost;
            }
            room.rows.push(Row {
                message: message.clone(),
                sent,
                file: file.clone(),
                reactors: Vec::new(),
                version,
                pending: true,
                released: false,
            });
            room.rows.sort_by_key(|row| row.message.seq);
            room.durable = room.head.clone();
            Written::Ok(message)
        })
    }
}

/// How many reacted with each emoji, by the first one with each.
fn counted(reactors: &[(Arc<str>, u64)]) -> Box<[(Arc<str>, u64)]> {
    let mut counts: Vec<(Arc<str>, u64)> = Vec::new();
    for (emoji, _) in reactors {
        match counts.iter_mut().find(|(other, _)| other == emoji) {
            Some((_, count)) => *count += 1,
            None => counts.push((Arc::clone(emoji), 1)),
        }
    }
    counts.into()
}

impl super::Head {
    fn reserve(&mut self, op: u64, messages: u64, seq: u64, rev: u64) -> (u64, u64) {
        self.seq = self.seq.max(seq) + messages;
        self.rev = self.rev.max(rev) + 1;
        self.in_flight.retain(|entry| entry.at.elapsed() < TOO_OLD);
        self.in_flight.push(Entry { rev: self.rev, op, at: Instant::now() });
        (self.seq, self.rev)
    }
}
