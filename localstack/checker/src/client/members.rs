//! Actions of a client on its group: members leave and join again, staff remove them and add them again, the owner makes admins.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, sleep};

use super::Client;
use crate::{
    doors::Doors,
    drive::Group,
    history::{Purpose, Request},
};

/// How many of a group's people are removed most of the time: the first ones have clients.
const NEAR: usize = 5;

impl<D: Doors> Client<'_, D> {
    /// Puts a person out of the group for a short time, tries what is forbidden now, and lets the person in again.
    pub(super) async fn change_members(&self, rng: &mut ChaCha8Rng, give_up: Instant, group: &Group) {
        let room = self.room;
        let is_owner = group.people.first().is_some_and(|owner| owner.person == self.person);
        let Some(of) = pick_member(rng, group) else { return };
        if is_owner {
            let alone = match rng.random_range(0..8) {
                0 | 1 => Some(Request::SetRole { room, of, admin: true }),
                2 => Some(Request::SetRole { room, of, admin: false }),
                // Whom an admin removed who is none any more.
                3 => Some(Request::Add { room, of }),
                _ => None,
            };
            if let Some(alone) = alone {
                self.insist(rng, give_up, alone).await;
                return;
            }
        }
        // Members try as well what only staff may do.
        let as_staff = of != self.person && rng.random_bool(0.3);
        let (out, back) = if is_owner || as_staff {
            (Request::Kick { room, of }, Request::Add { room, of })
        } else {
            (Request::Leave { room }, Request::Join { room })
        };
        self.insist(rng, give_up, out).await;
        let wait = Duration::from_millis(rng.random_range(200..1500));
        let mut other = ChaCha8Rng::from_rng(rng);
        let meanwhile = async {
            let request =
                if other.random_bool(0.5) { self.new_message(&mut other) } else { self.some_changes(&mut other) };
            self.call(self.via(&mut other), Purpose::Follow, request).await;
            self.send_again(&mut other).await;
        };
        tokio::join!(sleep(wait), meanwhile);
        self.insist(rng, give_up, back).await;
    }
}

/// Somebody but the owner, mostly one who has a client.
fn pick_member(rng: &mut ChaCha8Rng, group: &Group) -> Option<usize> {
    let near = if rng.random_ratio(1, 4) { group.people.len() } else { NEAR.min(group.people.len()) };
    if near < 2 {
        return None;
    }
    group.people.get(rng.random_range(1..near)).map(|member| member.person)
}
