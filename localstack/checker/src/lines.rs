//! Histories as text.

use std::fmt;

use crate::history::{Answer, Entry, Event, History, Message, Notice, Page, Request, Signal, SyncPage, System, Via};

impl History {
    /// The entries at these positions, at most `limit` lines.
    pub fn excerpt(&self, positions: impl IntoIterator<Item = usize>, limit: usize) -> Vec<String> {
        let mut positions: Vec<usize> = positions.into_iter().collect();
        positions.sort_unstable();
        positions.dedup();
        let cut = positions.len().saturating_sub(limit);
        let (head, tail) = if cut == 0 { (positions.len(), positions.len()) } else { (limit / 2, limit / 2 + cut) };
        let line = |position: &usize| self.entries.get(*position).map(|entry| format!("#{position} {entry}"));
        let mut lines: Vec<String> = positions.iter().take(head).filter_map(line).collect();
        if cut > 0 {
            lines.push(format!("... {cut} more ..."));
        }
        lines.extend(positions.iter().skip(tail).filter_map(line));
        lines
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8.3}s ", self.at.as_secs_f64())?;
        match self.client {
            Some(client) => write!(f, "client {client:<2} "),
            None => f.write_str("checker   "),
        }?;
        write!(f, "{}", self.event)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group { room, people } => write!(f, "group {room} of {} people", people.len()),
            Self::LoggedIn { person } => write!(f, "person {person} is logged in"),
            Self::Invoked { via, by, request, .. } => {
                let via = if *via == Via::Http { "http  " } else { "socket" };
                write!(f, "{via} {request} (person {}, session {})", by.person, by.session)
            }
            Self::Answered { call, answer } => write!(f, "-> #{call} {answer}"),
            Self::Pushed(message) => write!(f, "push   {message}"),
            Self::Heard(Signal { kind, room, of }) => write!(f, "heard  {kind:?} of {of} in room {room}"),
            Self::Notified(notice) => write!(f, "{notice}"),
            Self::Presence { of, online, connected, .. } => {
                write!(f, "person {of} is {}online, and is {}connected", no(*online), no(*connected))
            }
            Self::Settled { room, cursor } => write!(f, "settled in room {room} at cursor {cursor}"),
            Self::Ending { room, way, messages } => write!(f, "room {room} {way}: {} messages", messages.len()),
            Self::Undescribed { frame, why } => write!(f, "frame  {frame}: {why}"),
            Self::Remains { connections, online } => {
                write!(f, "{connections} connections are left, {online} people are told to be online")
            }
            Self::Note(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { room, client_id, content, file } => {
                write!(f, "send room {room} client_id {client_id} {content:?}")?;
                file.iter().try_for_each(|file| write!(f, " with file {file}"))
            }
            Self::Edit { room, message, content } => write!(f, "edit room {room} message {message} {content:?}"),
            Self::List { room, window, limit } => write!(f, "list room {room} {window:?} limit {limit}"),
            Self::Search { room, text } => write!(f, "search room {room} for {text:?}"),
            Self::Link { message, file, .. } => write!(f, "ask for a link to file {file} of message {message}"),
            Self::Sync { room, after, limit } => write!(f, "sync room {room} after rev {after} limit {limit}"),
            Self::Delete { room, message } => write!(f, "delete room {room} message {message}"),
            Self::Read { room, seq } => write!(f, "read room {room} up to seq {seq}"),
            Self::Block { room } => write!(f, "block in room {room}"),
            Self::Unblock { room } => write!(f, "unblock in room {room}"),
            Self::Kick { room, of } => write!(f, "remove person {of} from room {room}"),
            Self::Add { room, of } => write!(f, "add person {of} to room {room}"),
            Self::Leave { room } => write!(f, "leave room {room}"),
            Self::Join { room } => write!(f, "join room {room}"),
            Self::React { room, message, emoji, takes_back } => {
                let what = if *takes_back { "take back" } else { "react" };
                write!(f, "{what} {emoji} room {room} message {message}")
            }
            Self::Pin { room, message, takes_back } => {
                write!(f, "{} room {room} message {message}", if *takes_back { "unpin" } else { "pin" })
            }
            Self::Forward { room, message, client_id } => {
                write!(f, "forward message {message} to room {room} client_id {client_id}")
            }
            Self::Transfer { room, of } => write!(f, "make person {of} the owner of room {room}"),
            Self::Ban { room, of } => write!(f, "ban person {of} from room {room}"),
            Self::Unban { room, of } => write!(f, "lift the ban of person {of} from room {room}"),
            Self::Invite { room } => write!(f, "make an invite to room {room}"),
            Self::Revoke { room, invite } => write!(f, "revoke invite {invite} to room {room}"),
            Self::JoinBy { room, code } => write!(f, "join room {room} by code {code}"),
            Self::SetRole { room, of, admin } => {
                write!(f, "make person {of} {} of room {room}", if *admin { "an admin" } else { "a member" })
            }
            Self::Unread { room } => write!(f, "unread of room {room}"),
            Self::Total { room } => write!(f, "unread of all rooms, which are room {room}"),
            Self::Delivered { room, seq } => write!(f, "delivered room {room} up to seq {seq}"),
            Self::Typing { room } => write!(f, "type in room {room}"),
            Self::Friends { .. } => f.write_str("list friends"),
            Self::Refresh { attempt, .. } => write!(f, "refresh the session, attempt {attempt}"),
            Self::Register { device, .. } => write!(f, "register device {device}"),
            Self::Logout { .. } => f.write_str("log out"),
            Self::Connect { room } => write!(f, "connect for room {room}"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ack { message, dup } => {
                write!(f, "ack{} {message}", if *dup == Some(true) { " (dup)" } else { "" })
            }
            Self::Page(Page { items, has_before, has_after, cursor }) => {
                write!(f, "page cursor {cursor} has_before {has_before} has_after {has_after}: ")?;
                list(f, items)
            }
            Self::Found { items, whole } => {
                write!(f, "found{}: ", if *whole { "" } else { " among others" })?;
                list(f, items)
            }
            Self::Synced(SyncPage { items, cursor, head, more }) => {
                write!(f, "sync cursor {cursor} head {head} more {more}: ")?;
                list(f, items)
            }
            Self::Read { read_seq, unread } => write!(f, "read up to seq {read_seq}, {unread} unread"),
            Self::Total { messages, badge } => write!(f, "{messages} unread, badge {badge}"),
            Self::Linked(given) => write!(f, "{}a link", no(*given)),
            Self::Online(people) => write!(f, "online are {people:?}"),
            Self::Done => f.write_str("done"),
            Self::Invited { invite, code } => write!(f, "invite {invite} has code {code}"),
            Self::Connected => f.write_str("connected"),
            Self::Refused { status, code } => write!(f, "refused {status} {code}"),
            Self::Unknown(why) => write!(f, "unknown outcome: {why}"),
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, room, message, is_alert, badge, collapse_id } = self;
        write!(f, "device {device} {} room {room}", if *is_alert { "shows" } else { "clears" })?;
        message.iter().try_for_each(|message| write!(f, " message {message}"))?;
        badge.iter().try_for_each(|badge| write!(f, " badge {badge}"))?;
        write!(f, " as {collapse_id}")
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} seq {} rev {} {:?}", self.id, self.seq, self.rev, self.content)?;
        if !self.mentions.is_empty() {
            write!(f, " mentions {:?}", self.mentions)?;
        }
        if let Some(author) = self.forwarded_from {
            write!(f, " forwarded from {author}")?;
        }
        for file in &self.files {
            write!(f, " with file {file}")?;
        }
        for (emoji, count) in &self.reactions {
            write!(f, " {emoji}{count}")?;
        }
        if let Some(System { kind, of, by }) = self.system.as_deref() {
            write!(f, " {kind} of {of:?} by {by}")?;
        }
        f.write_str(if self.pinned { " pinned" } else { "" })?;
        f.write_str(if self.deleted { " deleted" } else { "" })
    }
}

fn no(yes: bool) -> &'static str {
    if yes { "" } else { "not " }
}

/// Items by sequence number and revision only, in at most a line.
fn list(f: &mut fmt::Formatter<'_>, items: &[Message]) -> fmt::Result {
    f.write_str("[")?;
    for (index, item) in items.iter().enumerate() {
        if index == 40 {
            write!(f, " ... {} in all", items.len())?;
            break;
        }
        write!(f, "{}{}@{}", if index == 0 { "" } else { " " }, item.seq, item.rev)?;
    }
    f.write_str("]")
}
