use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Which friends are online.
///
/// - Of two `presence.changed` of one person the higher `rev` counts.
/// - The list of a `ready`, or of the answer to a `state`, replaces what was known, except for who changed since the connection
///   was opened or the `state` was sent.
/// - A friend who goes takes their presence along.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presences {
    people: BTreeMap<i64, Presence>,
    /// Who changed since the list was asked for.
    changed: BTreeSet<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Presence {
    online: bool,
    last_seen_at: Option<String>,
    rev: u64,
}

impl Presences {
    /// A connection is opened, or a `state` asks for the list.
    pub fn asked(&mut self) {
        self.changed.clear();
    }

    /// Takes the list of who is online.
    pub fn take_list(&mut self, presence: &Value) {
        let online: BTreeSet<i64> =
            presence["online"].as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
        // A list that was cut says nothing of the others.
        let is_whole = presence["more"] != true;
        for (person, known) in self.people.iter_mut().filter(|(person, _)| !self.changed.contains(person)) {
            known.online = online.contains(person) || known.online && !is_whole;
        }
        for person in online {
            self.people.entry(person).or_insert_with(|| Presence { online: true, ..Presence::default() });
        }
    }

    /// Takes the body of a `presence.changed`.
    pub fn take_change(&mut self, body: &Value) {
        for change in body["people"].as_array().into_iter().flatten() {
            let (Some(person), Some(online), Some(rev)) =
                (change["user_id"].as_i64(), change["online"].as_bool(), change["rev"].as_u64())
            else {
                continue;
            };
            let known = self.people.entry(person).or_default();
            if rev > known.rev {
                let last_seen_at = change["last_seen_at"].as_str().map(str::to_owned);
                *known = Presence { online, last_seen_at, rev };
                self.changed.insert(person);
            }
        }
    }

    /// A friend is one no more.
    pub fn remove(&mut self, person: i64) {
        self.people.remove(&person);
        self.changed.remove(&person);
    }

    /// Whether a person is online, where it is known.
    pub fn is_online(&self, person: i64) -> Option<bool> {
        self.people.get(&person).map(|known| known.online)
    }

    /// When a person was seen last, where it is told.
    pub fn last_seen_at(&self, person: i64) -> Option<&str> {
        self.people.get(&person)?.last_seen_at.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(person: i64, online: bool, rev: u64) -> Value {
        json!({ "people": [{ "user_id": person, "online": online, "last_seen_at": null, "rev": rev }] })
    }

    #[test]
    fn the_higher_rev_counts_in_any_order() {
        for [one, other] in [[4, 5], [5, 4]] {
            let mut presences = Presences::default();
            presences.take_change(&change(7, one == 5, one));
            presences.take_change(&change(7, other == 5, other));
            assert_eq!(presences.is_online(7), Some(true));
        }
    }

    #[test]
    fn a_list_replaces_what_was_known() {
        let mut presences = Presences::default();
        presences.take_change(&change(7, true, 4));
        presences.asked();
        presences.take_list(&json!({ "online": [8], "more": false }));
        assert_eq!((presences.is_online(7), presences.is_online(8)), (Some(false), Some(true)));
        presences.take_change(&change(7, true, 4));
        assert_eq!(presences.is_online(7), Some(false), "the same change again");
    }

    #[test]
    fn change_that_overtakes_the_list_counts() {
        let mut presences = Presences::default();
        presences.asked();
        presences.take_change(&change(7, false, 4));
        presences.take_list(&json!({ "online": [7], "more": false }));
        assert_eq!(presences.is_online(7), Some(false));
    }

    #[test]
    fn a_cut_list_makes_nobody_offline() {
        let mut presences = Presences::default();
        presences.take_change(&change(7, true, 4));
        presences.asked();
        presences.take_list(&json!({ "online": [8], "more": true }));
        assert_eq!(presences.is_online(7), Some(true));
    }

    #[test]
    fn a_friend_who_goes_takes_their_presence_along() {
        let mut presences = Presences::default();
        presences.take_change(&change(7, true, 4));
        presences.remove(7);
        assert_eq!(presences.is_online(7), None);
    }
}
