//! Hand-written histories.

use std::time::Duration;

use checker::{
    history::{Answer, Caller, Entry, Event, History, Member, Message, Page, Purpose, Request, SyncPage, Via, Window},
    verify::{Promise, verify},
};

pub(crate) const ROOM: u64 = 1;

/// A history in the making.
#[derive(Default)]
pub(crate) struct Story {
    entries: Vec<Entry>,
    waited: Duration,
}

impl Story {
    pub(crate) fn add(&mut self, client: usize, event: Event) -> usize {
        let at = self.waited + Duration::from_millis(self.entries.len() as u64);
        self.entries.push(Entry { at, client: Some(client), event });
        self.entries.len() - 1
    }

    /// A group of so many clients, which client 0 owns: everybody's id is their number and 10, and their name begins with `p`.
    pub(crate) fn group(&mut self, size: usize) {
        let member = |person| Member { person, id: person as u64 + 10, name: format!("p{person}").into() };
        self.add(0, Event::Group { room: ROOM, people: (0..size).map(member).collect() });
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, time: Duration) {
        self.waited += time;
    }

    /// A request of the client's own person, through the session that has the client's number.
    pub(crate) fn ask(&mut self, client: usize, purpose: Purpose, request: Request) -> usize {
        self.add(client, Event::Invoked { via: Via::Http, purpose, by: caller(client), request })
    }

    /// A request with its answer.
    pub(crate) fn call(&mut self, client: usize, request: Request, answer: Answer) {
        let call = self.ask(client, Purpose::Look, request);
        self.answer(client, call, answer);
    }

    pub(crate) fn answer(&mut self, client: usize, call: usize, answer: Answer) {
        self.add(client, Event::Answered { call, answer });
    }

    pub(crate) fn send(&mut self, client: usize, name: &str, message: Message) {
        let call = self.begin(client, name);
        self.answer(client, call, ack(message));
    }

    pub(crate) fn begin(&mut self, client: usize, name: &str) -> usize {
        let request = Request::Send { room: ROOM, client_id: name.into(), content: name.into(), file: None };
        self.ask(client, Purpose::Look, request)
    }

    pub(crate) fn edit(&mut self, client: usize, id: &str, text: &str, message: Message) {
        let call =
            self.ask(client, Purpose::Look, Request::Edit { room: ROOM, message: id.into(), content: text.into() });
        self.answer(client, call, Answer::Ack { message, dup: None });
    }

    pub(crate) fn delete(&mut self, client: usize, id: &str, message: Message) {
        self.call(client, delete(id), Answer::Ack { message, dup: None });
    }

    pub(crate) fn list(&mut self, client: usize, purpose: Purpose, items: Vec<Message>, cursor: u64) {
        let call = self.ask(client, purpose, Request::List { room: ROOM, window: Window::Newest, limit: 50 });
        self.answer(client, call, Answer::Page(Page { items, has_before: false, has_after: false, cursor }));
    }

    pub(crate) fn sync(&mut self, client: usize, after: u64, items: Vec<Message>, cursor: u64, head: u64) {
        let call = self.ask(client, Purpose::Follow, Request::Sync { room: ROOM, after, limit: 50 });
        self.answer(client, call, Answer::Synced(SyncPage { items, cursor, head, more: false }));
    }

    pub(crate) fn end(&mut self, ways: &[&[Message]]) {
        for (way, messages) in ["by sync", "by list"].into_iter().zip(ways) {
            self.add(0, Event::Ending { room: ROOM, way, messages: messages.to_vec() });
        }
    }

    pub(crate) fn verdict(self) -> Vec<(Promise, String)> {
        let history = History { entries: self.entries, frames_repeat: false };
        verify(&history).into_iter().map(|found| (found.promise, found.what)).collect()
    }

    pub(crate) fn breaks(self, promise: Promise, words: &str) {
        let found = self.verdict();
        assert!(found.iter().any(|(which, what)| *which == promise && what.contains(words)), "{found:#?}");
    }
}

/// A message whose id, `client_id` and text are its name.
pub(crate) fn message(name: &str, seq: u64, rev: u64) -> Message {
    Message {
        id: name.into(),
        room: ROOM,
        seq,
        rev,
        author: 7,
        client_id: Some(name.into()),
        content: name.into(),
        deleted: false,
        pinned: false,
        mentions: Box::default(),
        forwarded_from: None,
        files: Box::default(),
        reactions: Box::default(),
        system: None,
    }
}

pub(crate) fn edited(name: &str, seq: u64, rev: u64, text: &str) -> Message {
    Message { content: text.into(), ..message(name, seq, rev) }
}

pub(crate) fn ack(message: Message) -> Answer {
    Answer::Ack { message, dup: Some(false) }
}

pub(crate) fn tombstone(name: &str, seq: u64, rev: u64) -> Message {
    Message { content: "".into(), deleted: true, ..message(name, seq, rev) }
}

pub(crate) fn send(name: &str) -> Request {
    Request::Send { room: ROOM, client_id: name.into(), content: name.into(), file: None }
}

pub(crate) fn edit(id: &str, text: &str) -> Request {
    Request::Edit { room: ROOM, message: id.into(), content: text.into() }
}

pub(crate) fn delete(id: &str) -> Request {
    Request::Delete { room: ROOM, message: id.into() }
}

pub(crate) fn refused(status: u16, code: &str) -> Answer {
    Answer::Refused { status, code: code.to_owned() }
}

pub(crate) fn done() -> Answer {
    Answer::Done
}

pub(crate) fn unknown() -> Answer {
    Answer::Unknown("reset".to_owned())
}

fn caller(client: usize) -> Caller {
    Caller { person: client, session: client }
}
