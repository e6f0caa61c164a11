//! Actions of a client on its group: members leave and join again, staff remove, ban and invite people, the owner makes admins and
//! passes the group on for a moment.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, sleep, timeout};

use super::{Client, Login, jittered, log_in};
use crate::{
    doors::Doors,
    drive::Group,
    history::{Answer, Event, Purpose, Request, Via},
};

/// How many of a group's people are removed most of the time: the first ones have clients.
const NEAR: usize = 5;
/// How many invites people remember.
const REMEMBERED: usize = 6;

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
                4 => return self.pass_on(rng, give_up, group, of).await,
                _ => None,
            };
            if let Some(alone) = alone {
                self.insist(rng, give_up, alone).await;
                return;
            }
        }
        // Members try as well what only staff may do.
        if rng.random_ratio(1, 5) {
            return self.invite(rng, give_up).await;
        }
        let as_staff = of != self.person && rng.random_bool(0.3);
        let (out, back) = match (is_owner || as_staff, rng.random_ratio(1, 3)) {
            (true, true) => (Request::Ban { room, of }, vec![Request::Unban { room, of }, Request::Add { room, of }]),
            (true, false) => (Request::Kick { room, of }, vec![Request::Add { room, of }]),
            (false, true) => (Request::Leave { room }, self.join_by(rng).into_iter().collect()),
            (false, false) => (Request::Leave { room }, Vec::new()),
        };
        self.insist(rng, give_up, out.clone()).await;
        let wait = Duration::from_millis(rng.random_range(200..1500));
        let mut other = ChaCha8Rng::from_rng(rng);
        let meanwhile = async {
            if matches!(out, Request::Ban { .. }) {
                self.call(Via::Http, Purpose::Look, Request::Add { room, of }).await;
            }
            let request =
                if other.random_bool(0.5) { self.new_message(&mut other, None) } else { self.some_changes(&mut other) };
            self.call(self.via(&mut other), Purpose::Follow, request).await;
            self.send_again(&mut other).await;
        };
        tokio::join!(sleep(wait), meanwhile);
        for back in back {
            self.insist(rng, give_up, back).await;
        }
        if matches!(out, Request::Leave { .. }) {
            self.insist(rng, give_up, Request::Join { room }).await;
        }
    }

    /// Makes an invite that everybody learns, or revokes one that stays known.
    async fn invite(&self, rng: &mut ChaCha8Rng, give_up: Instant) {
        let room = self.room;
        let known = self.invites.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((invite, _)) = known.get(rng.random_range(0..REMEMBERED * 2)) {
            self.insist(rng, give_up, Request::Revoke { room, invite: *invite }).await;
        } else if let Answer::Invited { invite, code } =
            self.call(Via::Http, Purpose::Look, Request::Invite { room }).await
        {
            let mut known = self.invites.lock().unwrap_or_else(PoisonError::into_inner);
            known.push((invite, code));
            let old = known.len().saturating_sub(REMEMBERED);
            known.drain(..old);
        }
    }

    /// A join by one of the latest invites; several people try the same one.
    fn join_by(&self, rng: &mut ChaCha8Rng) -> Option<Request> {
        let known = self.invites.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, code) = known.get(rng.random_range(0..known.len().max(1)))?;
        Some(Request::JoinBy { room: self.room, code: Arc::clone(code) })
    }

    /// Makes a member the owner, tries what only owners may do, and is made the owner again by them.
    async fn pass_on(&self, rng: &mut ChaCha8Rng, give_up: Instant, group: &Group, of: usize) {
        let room = self.room;
        let Some(other) = log_in(self.doors, self.recorder, None, of, give_up).await else { return };
        if self.insist(rng, give_up, Request::Transfer { room, of }).await {
            // Of somebody else: nobody changes the role of who owns the group.
            let of = pick_member(rng, group).unwrap_or(of);
            self.call(Via::Http, Purpose::Look, Request::SetRole { room, of, admin: true }).await;
        }
        self.insist_as(rng, give_up, &other, Request::Transfer { room, of: self.person }).await;
        self.insist_as(rng, give_up, &other, Request::Logout { room }).await;
    }

    /// Retries by a login that is not this client's.
    async fn insist_as(&self, rng: &mut ChaCha8Rng, give_up: Instant, login: &Login<D::Session>, request: Request) {
        let mut pause = 50;
        while Instant::now() < give_up {
            let (by, purpose, request) = (login.by, Purpose::Look, request.clone());
            let asked = request.clone();
            let call = self.recorder.record(None, Event::Invoked { via: Via::Http, purpose, by, request });
            let answer = timeout(self.usage.patience * 6, self.doors.ask(&login.session, &asked)).await;
            let answer = answer.unwrap_or_else(|_| Answer::Unknown("no answer in time".to_owned()));
            self.recorder.record(None, Event::Answered { call, answer: answer.clone() });
            match answer {
                Answer::Unknown(_) | Answer::Refused { status: 429, .. } => {}
                _ => return,
            }
            sleep(jittered(rng, &mut pause)).await;
        }
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
