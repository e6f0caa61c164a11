//! What a reader does: takes pushes, syncs, keeps to the rule of the cursor.

use super::{
    Messages, Steps,
    event::{Event, What, Who},
    settings::Watch,
    state::{Acknowledgment, Client, Frame, State, Sync, View},
};
use crate::{Promise, Rule, Violation, check::Step};

/// An answer of `sync`.
struct Page {
    rows: Vec<Frame>,
    cursor: u8,
}

impl Messages {
    pub(super) fn client_steps(&self, state: &State, index: usize, steps: &mut Steps) {
        let client = &state.clients[index];
        let mut step = |what, client: Client, violation: Option<Violation>| {
            let mut next = state.clone();
            next.clients[index] = client;
            // Readers are interchangeable.
            next.clients.sort_unstable();
            next.violation = violation;
            steps.push(Step { event: Event { who: Who::Client(index), what }, next });
        };
        for &frame in &state.net {
            if let Some(next) = self.pushed(client, frame).filter(|next| next != client) {
                step(What::GetPush { rev: frame.rev }, next, None);
            }
        }

        let committed = (View::from(&**state.history.committed()), false);
        let past = state.past.as_ref().map(|past| (View::from(&**past), true));
        let views = [Some(committed), past].into_iter().flatten();
        match &client.sync {
            Sync::Answered { rows, cursor } => {
                let cursor = client.cursor.max(*cursor);
                let mut next = Client { cursor, sync: Sync::Idle, ..client.clone() };
                next.learn(rows);
                step(What::TakeAnswer { cursor }, next, None);
            }
            Sync::Idle => {
                for (view, past) in views {
                    let head = view.rev;
                    if !self.keeps(Rule::HeadBeforeRows) {
                        step(What::ReadRows { past }, Client { sync: Sync::HasRows(view), ..client.clone() }, None);
                    } else if !self.keeps(Rule::OneSnapshot) {
                        if head > client.cursor {
                            let sync = Sync::HasHead(view);
                            step(What::ReadHead { rev: head, past }, Client { sync, ..client.clone() }, None);
                        }
                    } else {
                        for Page { rows, cursor } in self.pages(client, &view, &view) {
                            if rows.is_empty() && cursor <= client.cursor && self.skips_empty_answers() {
                                continue;
                            }
                            let violation = self.false_answer(state, client, &rows, cursor, head);
                            let what = What::Sync { past, rows: rows.len(), cursor, head };
                            step(what, Client { sync: Sync::Answered { rows, cursor }, ..client.clone() }, violation);
                        }
                    }
                }
            }
            Sync::HasHead(first) | Sync::HasRows(first) => {
                for (second, past) in views {
                    let has_head = matches!(client.sync, Sync::HasHead(_));
                    let (head, rows) = if has_head { (first, &second) } else { (&second, first) };
                    for page in self.pages(client, head, rows) {
                        let cursor = client.cursor.max(page.cursor);
                        let mut next = Client { cursor, sync: Sync::Idle, ..client.clone() };
                        next.learn(&page.rows);
                        step(What::ReadRest { past, cursor }, next, None);
                    }
                }
            }
        }
    }

    /// The answers that this reader may get. There are two where readers, not writers, pass over old entries.
    fn pages(&self, client: &Client, head: &View, rows: &View) -> Vec<Page> {
        let below_entries = head.lowest.map_or(head.rev, |lowest| lowest - 1);
        let mut tops = vec![if self.keeps(Rule::ReadersStopBelowEntries) { below_entries } else { head.rev }];
        if !self.keeps(Rule::OnlyWritesExpireEntries) && self.settings.late_writer {
            tops.push(head.rev);
        }
        tops.dedup();
        let page = |safe: u8| {
            let mut rows: Vec<_> =
                rows.rows.iter().copied().filter(|row| client.cursor < row.rev && row.rev <= safe).collect();
            let is_cut = self.settings.page > 0 && rows.len() > self.settings.page;
            if is_cut {
                rows.truncate(self.settings.page);
            }
            let cursor = match rows.last() {
                _ if !self.keeps(Rule::CutPageEndsAtLastRow) => head.rev,
                Some(last) if is_cut => last.rev,
                _ => safe,
            };
            Page { rows, cursor }
        };
        tops.into_iter().map(page).collect()
    }

    /// An answer that changes nothing matters only to those who look at answers.
    fn skips_empty_answers(&self) -> bool {
        matches!(self.settings.watch, Watch::Acknowledged | Watch::Visible)
    }

    fn false_answer(&self, state: &State, client: &Client, rows: &[Frame], cursor: u8, head: u8) -> Option<Violation> {
        let sees = |answer: &Acknowledgment| {
            let change = super::Image::of(usize::from(answer.change));
            let in_rows = rows.iter().any(|row| row.message == answer.message && row.image.has(change));
            in_rows || client.image(answer.message).is_some_and(|image| image.has(change))
        };
        let new_cursor = cursor.max(client.cursor);
        let (missed, what) = match self.settings.watch {
            Watch::OwnReads => (
                state.acknowledged.iter().find(|answer| answer.rev > client.cursor && !sees(answer)),
                "a reader does not see what was acknowledged before he asked",
            ),
            Watch::CaughtUp if new_cursor >= head => (
                state.acknowledged.iter().find(|answer| answer.rev > new_cursor),
                "the answer says that nothing is left, and something newer was acknowledged",
            ),
            _ => return None,
        };
        let rev = missed?.rev;
        Some(Violation::new(Promise::NothingMissed, format!("{what}: rev {rev}, cursor {new_cursor}, head {head}")))
    }

    /// What a reader makes of a push. One at or below the cursor, of a message that it does not hold, is ignored: its page
    /// was or will be the better source.
    fn pushed(&self, client: &Client, frame: Frame) -> Option<Client> {
        if frame.rev <= client.cursor && client.image(frame.message).is_none() {
            return None;
        }
        let mut next = client.clone();
        next.learn(&[frame]);
        if frame.rev == client.cursor + 1 || !self.keeps(Rule::PushMovesCursorByOne) {
            next.cursor = frame.rev.max(client.cursor);
        }
        Some(next)
    }
}
