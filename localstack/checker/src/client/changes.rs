//! Actions of a client in its room.

use std::{sync::Arc, time::Duration};

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, sleep};

use super::{Client, Door, Sent, jittered};
use crate::{
    doors::Doors,
    history::{Answer, Purpose, Request, Via, Window},
};

/// More emojis than a message may have.
const EMOJIS: [&str; 24] = [
    "👍", "😂", "🎉", "😢", "😡", "🔥", "👏", "🙏", "💯", "🚀", "👀", "🤔", "🥳", "😎", "😱", "😀", "😍", "👎", "🍕",
    "🍺", "🏀", "🌞", "🌈", "🐳",
];

impl<D: Doors> Client<'_, D> {
    /// Sends a message and retries until its outcome is known; sometimes it retries early or gives up.
    pub(super) async fn send(&self, rng: &mut ChaCha8Rng, give_up: Instant) {
        let request = self.new_message(rng, None);
        self.deliver(rng, give_up, request).await;
    }

    /// Sends this message, as `send` does.
    pub(super) async fn deliver(&self, rng: &mut ChaCha8Rng, give_up: Instant, request: Request) {
        let mut pause = 50;
        while Instant::now() < give_up {
            let (one, other) = (self.via(rng), self.via(rng));
            let answer = if rng.random_ratio(1, 10) {
                let wait = Duration::from_millis(rng.random_range(0..300));
                let impatient = async {
                    sleep(wait).await;
                    self.call(other, Purpose::Follow, request.clone()).await
                };
                let (first, second) = tokio::join!(self.call(one, Purpose::Follow, request.clone()), impatient);
                if matches!(first, Answer::Ack { .. }) { first } else { second }
            } else {
                self.call(one, Purpose::Follow, request.clone()).await
            };
            match (answer, &request) {
                (Answer::Ack { message, .. }, Request::Send { client_id, content, file, .. }) => {
                    let (client_id, content, file) = (Arc::clone(client_id), Arc::clone(content), file.clone());
                    let sent = Sent { id: message.id, client_id, content, file, deleted: message.deleted };
                    return self.own().push(sent);
                }
                (Answer::Unknown(_), _) if rng.random_ratio(1, 40) => return,
                (Answer::Unknown(_), _) => {}
                (Answer::Refused { status: 429, .. }, _) => pause = 1000,
                // The room is blocked, usually for a short time.
                (Answer::Refused { status: 403, .. }, _) if rng.random_bool(0.5) => {}
                _ => return,
            }
            sleep(jittered(rng, &mut pause)).await;
        }
    }

    pub(super) fn new_message(&self, rng: &mut ChaCha8Rng, file: Option<Arc<str>>) -> Request {
        let name = self.name();
        let client_id = format!("{}-{}-{name}", self.seed, self.number).into();
        let content = format!("{name} from {}{}{}", self.number, self.call_somebody(rng), words(rng)).into();
        Request::Send { room: self.room, client_id, content, file }
    }

    /// Edits a message of this person, sent by this client or another.
    pub(super) async fn edit(&self, rng: &mut ChaCha8Rng, give_up: Instant) {
        let deleted = rng.random_ratio(1, 20);
        let Some(sent) = self.pick(rng, deleted) else { return };
        let request = self.new_text(rng, sent.id);
        self.change(rng, give_up, request).await;
    }

    /// Deletes a message of this person, sometimes during an edit, sometimes repeatedly.
    pub(super) async fn delete(&self, rng: &mut ChaCha8Rng, give_up: Instant) {
        let deleted = rng.random_ratio(1, 10);
        let Some(sent) = self.pick(rng, deleted) else { return };
        let request = Request::Delete { room: self.room, message: Arc::clone(&sent.id) };
        let acked = if rng.random_ratio(1, 3) {
            let edit = self.new_text(rng, Arc::clone(&sent.id));
            let mut other = ChaCha8Rng::from_rng(rng);
            tokio::join!(self.change(rng, give_up, request), self.change(&mut other, give_up, edit)).0
        } else {
            self.change(rng, give_up, request).await
        };
        for own in self.own().iter_mut().filter(|own| acked && own.id == sent.id) {
            own.deleted = true;
        }
    }

    fn new_text(&self, rng: &mut ChaCha8Rng, message: Arc<str>) -> Request {
        let called = self.call_somebody(rng);
        let content = format!("edit {} by {}{called}{}", self.name(), self.number, words(rng)).into();
        Request::Edit { room: self.room, message, content }
    }

    /// Calls one of a group's people by their name, in few texts.
    fn call_somebody(&self, rng: &mut ChaCha8Rng) -> String {
        let Some(group) = self.group.filter(|_| rng.random_ratio(1, 4)) else { return String::new() };
        let called = group.people.get(rng.random_range(0..group.people.len()));
        called.map_or_else(String::new, |member| format!(" @{}", member.name))
    }

    /// Reacts to a recent message, or takes the reaction back, sometimes both at the same time, or forwards, pins or deletes the message.
    pub(super) async fn react(&self, rng: &mut ChaCha8Rng, give_up: Instant) {
        let Some(message) = self.pick_recent(rng) else { return };
        // What has no counterpart; pins and most deletions are for staff.
        let alone = match rng.random_range(0..24) {
            0 => Some(Request::Delete { room: self.room, message: Arc::clone(&message) }),
            1..5 => {
                let takes_back = rng.random_ratio(1, 3);
                Some(Request::Pin { room: self.room, message: Arc::clone(&message), takes_back })
            }
            5..7 => {
                let client_id = format!("{}-{}-{}", self.seed, self.number, self.name()).into();
                Some(Request::Forward { room: self.room, message: Arc::clone(&message), client_id })
            }
            _ => None,
        };
        if let Some(request) = alone {
            self.change(rng, give_up, request).await;
            return;
        }
        // A few emojis meet often, and all are more than a message may have.
        let few = if rng.random_bool(0.5) { 3 } else { EMOJIS.len() };
        let Some(emoji) = EMOJIS.get(rng.random_range(0..few)) else { return };
        let request = |takes_back| Request::React {
            room: self.room,
            message: Arc::clone(&message),
            emoji: (*emoji).into(),
            takes_back,
        };
        let takes_back = rng.random_ratio(1, 3);
        if rng.random_ratio(1, 6) {
            let mut other = ChaCha8Rng::from_rng(rng);
            tokio::join!(
                self.change(rng, give_up, request(takes_back)),
                self.change(&mut other, give_up, request(!takes_back))
            );
        } else {
            self.change(rng, give_up, request(takes_back)).await;
        }
    }

    /// One of the newest messages that the client shows, whoever sent it, mostly the same one for everybody.
    fn pick_recent(&self, rng: &mut ChaCha8Rng) -> Option<Arc<str>> {
        let back = rng.random_range(0..4);
        let state = self.state();
        let mut shown: Vec<_> =
            state.view.messages().filter(|message| !message.deleted && message.system.is_none()).collect();
        shown.sort_unstable_by_key(|message| std::cmp::Reverse(message.seq));
        let steady = shown.iter().find(|message| message.seq.is_multiple_of(16));
        let picked = if back == 0 { steady } else { shown.get(back) };
        picked.map(|message| Arc::clone(&message.id))
    }

    /// Retries a change until its outcome is known, or gives up. Whether it was acknowledged.
    async fn change(&self, rng: &mut ChaCha8Rng, give_up: Instant, request: Request) -> bool {
        let mut pause = 50;
        while Instant::now() < give_up {
            match self.call(self.via(rng), Purpose::Follow, request.clone()).await {
                Answer::Unknown(_) if rng.random_ratio(1, 4) => return false,
                Answer::Unknown(_) => {}
                Answer::Refused { status: 429, .. } => pause = 1000,
                answer => return matches!(answer, Answer::Ack { .. }),
            }
            sleep(jittered(rng, &mut pause)).await;
        }
        false
    }

    /// Retries an acknowledged send, with the same body or another.
    pub(super) async fn send_again(&self, rng: &mut ChaCha8Rng) {
        let deleted = rng.random_ratio(1, 4);
        let Some(sent) = self.pick(rng, deleted) else { return };
        let content = if rng.random_ratio(1, 4) { format!("not {}", sent.content).into() } else { sent.content };
        let request = Request::Send { room: self.room, client_id: sent.client_id, content, file: sent.file };
        self.call(self.via(rng), Purpose::Follow, request).await;
    }

    /// Moves the read cursor to the newest known message, sometimes below or beyond it, or asks what is unread.
    pub(super) async fn read(&self, rng: &mut ChaCha8Rng) {
        let top = self.top();
        let seq = match rng.random_range(0..6) {
            0 | 1 => rng.random_range(0..=top),
            2 => top + 1_000_000,
            _ => top,
        };
        let room = self.room;
        let request = match rng.random_range(0..5) {
            0 => Request::Unread { room },
            1 if self.usage.totals => Request::Total { room },
            _ => Request::Read { room, seq },
        };
        self.call(self.via(rng), Purpose::Look, request).await;
    }

    /// Says on the socket that the person types, or how much has arrived.
    pub(super) async fn signal(&self, rng: &mut ChaCha8Rng) {
        let Some(open) = self.state().socket.clone() else { return };
        let (room, seq) = (self.room, self.top());
        let request = if rng.random_bool(0.7) { Request::Typing { room } } else { Request::Delivered { room, seq } };
        self.ask(Door::Socket(open), Purpose::Look, request).await;
    }

    /// Reads some page of the room.
    pub(super) async fn look(&self, rng: &mut ChaCha8Rng) {
        let seq = rng.random_range(1..=self.top().max(1));
        let window = match rng.random_range(0..5) {
            0 => Window::Before(seq),
            1 => Window::After(seq),
            2 => Window::Around(seq),
            _ => Window::Newest,
        };
        let request = Request::List { room: self.room, window, limit: rng.random_range(1..=50) };
        self.call(Via::Http, Purpose::Look, request).await;
    }

    /// Looks for what this person once said, whatever became of it.
    pub(super) async fn search(&self, rng: &mut ChaCha8Rng) {
        let deleted = rng.random_ratio(1, 10);
        let Some(sent) = self.pick(rng, deleted) else { return };
        // The plain words at its beginning, which tell it from most others.
        let Some(text) = sent.content.split([' ', '\n']).collect::<Vec<_>>().get(..3).map(|words| words.join(" "))
        else {
            return;
        };
        self.call(Via::Http, Purpose::Look, Request::Search { room: self.room, text: text.into() }).await;
    }

    /// Reads some page of the room's changes.
    pub(super) async fn poll(&self, rng: &mut ChaCha8Rng) {
        let request = self.some_changes(rng);
        self.call(self.via(rng), Purpose::Look, request).await;
    }

    pub(super) fn some_changes(&self, rng: &mut ChaCha8Rng) -> Request {
        let cursor = self.state().view.cursor();
        Request::Sync { room: self.room, after: rng.random_range(0..=cursor), limit: rng.random_range(1..=20) }
    }

    /// The newest message that the client shows.
    fn top(&self) -> u64 {
        self.state().view.messages().map(|message| message.seq).max().unwrap_or_default()
    }

    /// One of this person's messages, mostly the last one, so that clients change it concurrently.
    fn pick(&self, rng: &mut ChaCha8Rng, deleted: bool) -> Option<Sent> {
        let own = self.own();
        let own: Vec<&Sent> = own.iter().filter(|sent| sent.deleted == deleted).collect();
        let recent = *[1, 1, 4, own.len()].get(rng.random_range(0..4))?;
        let back = rng.random_range(0..recent.max(1));
        own.get(own.len().checked_sub(back + 1)?).copied().cloned()
    }
}

fn words(rng: &mut impl Rng) -> &'static str {
    ["", " 안녕하세요", " 👩‍👩‍👧‍👦 \"quoted\"", " naïve\nsecond line", " <b>&amp;</b> \\ 日本"]
        .get(rng.random_range(0..5))
        .copied()
        .unwrap_or_default()
}
