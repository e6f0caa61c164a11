//! Sends that continue while a block or a logout ends them.

use e2e::{Answer, Person};
use std::time::Instant;

/// More than anyone sends in that time.
const MANY: usize = 200;

/// The start of a send, and its answer.
pub(crate) struct Sent {
    pub(crate) begun: Instant,
    pub(crate) answer: Answer,
}

/// Sends one message after the other until one is refused.
pub(crate) async fn keep_sending(person: &Person, room: i64, sender: usize) -> Vec<Sent> {
    let mut all = Vec::new();
    while all.len() < MANY {
        let (begun, name) = (Instant::now(), format!("{sender}-{}", all.len()));
        let answer = person.say_as(room, &name, "still there?").await;
        let is_over = answer.status != 201;
        all.push(Sent { begun, answer });
        if is_over {
            return all;
        }
    }
    unreachable!("sender {sender} is never refused")
}
