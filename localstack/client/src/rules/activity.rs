use std::time::Duration;

/// At most one `state` in this time.
const BETWEEN: Duration = Duration::from_secs(2);
/// A person who uses the client is told active again after this long.
const AGAIN: Duration = Duration::from_mins(2);
/// A group counts as viewed when it has been open for this long.
const SETTLED: Duration = Duration::from_secs(2);
/// Whoever was inactive for longer missed presence.
const MISSED: Duration = Duration::from_mins(1);

/// A `state` to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether the person is there.
    pub active: bool,
    /// The group that they view.
    pub room: Option<String>,
    /// Whether it carries an `id`: what was told meanwhile was missed, and the answer brings it.
    pub asks: bool,
}

/// Whether the person is there, and what the server was told of it.
///
/// - `state {active: true}` on focus or foreground, `{active: false}` on blur, lock or background.
/// - Again after 120 s of use without another acting frame: `send`, `edit`, `react` or `typing`.
/// - After more than 60 s inactive it carries an `id`, and the receipts of an open room are loaded again.
/// - `room` when a group has been open for 2 s, null when it is closed.
/// - At most one `state` per 2 s.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    focused: bool,
    used_at: Option<Duration>,
    acted_at: Option<Duration>,
    blurred_at: Option<Duration>,
    open: Option<(String, Duration)>,
    told: Option<(bool, Option<String>)>,
    told_at: Option<Duration>,
}

impl Activity {
    /// The client has the person's attention.
    pub fn focus(&mut self, now: Duration) {
        self.focused = true;
        self.used(now);
    }

    /// It lost the attention: blur, lock, background.
    pub fn blur(&mut self, now: Duration) {
        if std::mem::take(&mut self.focused) {
            self.blurred_at = Some(now);
        }
    }

    /// A key, a touch, a scroll.
    pub fn used(&mut self, now: Duration) {
        self.used_at = Some(now);
    }

    /// A frame was sent that says by itself that the person is there.
    pub fn acted(&mut self, now: Duration) {
        self.acted_at = Some(now);
        self.used(now);
    }

    /// A room is on the screen; only groups are told.
    pub fn open(&mut self, room: &str, now: Duration) {
        self.open = room.starts_with("group:").then(|| (room.to_owned(), now));
    }

    /// No room is on the screen.
    pub fn close(&mut self) {
        self.open = None;
    }

    /// A new connection was greeted as active or not, and knows of no room.
    pub fn connected(&mut self, now: Duration) {
        self.told = Some((self.focused, None));
        self.told_at = None;
        self.acted_at = Some(now);
    }

    /// Whether a greeting is to say that the person is there.
    pub fn is_active(&self) -> bool {
        self.focused
    }

    /// The `state` that is due.
    pub fn due(&mut self, now: Duration) -> Option<State> {
        let (told, told_room) = self.told.clone()?;
        if self.told_at.is_some_and(|at| now < at + BETWEEN) {
            return None;
        }
        let open = self.open.as_ref().filter(|(_, since)| self.focused && now >= *since + SETTLED);
        let room = open.map(|(room, _)| room.clone());
        let last = self.acted_at.max(self.told_at);
        let is_used_since = self.used_at > last;
        let is_stale = self.focused && is_used_since && last.is_none_or(|at| now >= at + AGAIN);
        if told == self.focused && told_room == room && !is_stale {
            return None;
        }
        let asks = self.focused && !told && self.blurred_at.is_some_and(|at| now > at + MISSED);
        self.told = Some((self.focused, room.clone()));
        self.told_at = Some(now);
        Some(State { active: self.focused, room, asks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn state(active: bool) -> State {
        State { active, room: None, asks: false }
    }

    /// Somebody who came at 0 s.
    fn focused() -> Activity {
        let mut activity = Activity::default();
        activity.focus(at(0));
        activity.connected(at(0));
        activity
    }

    #[test]
    fn focus_and_blur_are_told_once() {
        let mut activity = focused();
        assert_eq!(activity.due(at(1)), None);
        activity.blur(at(5));
        assert_eq!(activity.due(at(5)), Some(state(false)));
        assert_eq!(activity.due(at(9)), None);
        activity.focus(at(10));
        assert_eq!(activity.due(at(10)), Some(state(true)));
    }

    #[test]
    fn at_most_one_state_in_two_seconds() {
        let mut activity = focused();
        activity.blur(at(5));
        assert_eq!(activity.due(at(5)), Some(state(false)));
        activity.focus(at(6));
        assert_eq!(activity.due(at(6)), None);
        activity.blur(at(6));
        assert_eq!(activity.due(at(8)), None, "nothing changed in the end");
    }

    #[test]
    fn use_is_told_again_after_two_minutes() {
        let mut activity = focused();
        activity.used(at(100));
        assert_eq!(activity.due(at(119)), None);
        assert_eq!(activity.due(at(120)), Some(state(true)));
        assert_eq!(activity.due(at(300)), None, "nobody used it since");
    }

    #[test]
    fn an_acting_frame_replaces_the_state() {
        let mut activity = focused();
        activity.acted(at(60));
        activity.used(at(110));
        assert_eq!(activity.due(at(130)), None);
        assert_eq!(activity.due(at(180)), Some(state(true)));
    }

    #[test]
    fn user_back_after_a_minute_asks_for_missed_changes() {
        for (back, asks) in [(65, false), (66, true)] {
            let mut activity = focused();
            activity.blur(at(5));
            activity.due(at(5));
            activity.focus(at(back));
            assert_eq!(activity.due(at(back)), Some(State { asks, ..state(true) }));
        }
    }

    #[test]
    fn a_group_is_told_after_two_seconds_and_when_it_is_closed() {
        let mut activity = focused();
        activity.open("group:7", at(10));
        assert_eq!(activity.due(at(11)), None);
        assert_eq!(activity.due(at(12)), Some(State { room: Some("group:7".to_owned()), ..state(true) }));
        activity.close();
        assert_eq!(activity.due(at(20)), Some(state(true)));
    }

    #[test]
    fn a_room_of_two_is_not_told() {
        let mut activity = focused();
        activity.open("private:4", at(10));
        assert_eq!(activity.due(at(20)), None);
    }

    #[test]
    fn a_new_connection_is_told_of_the_open_group() {
        let mut activity = focused();
        activity.open("group:7", at(10));
        activity.due(at(12));
        activity.connected(at(30));
        assert_eq!(activity.due(at(30)), Some(State { room: Some("group:7".to_owned()), ..state(true) }));
    }
}
