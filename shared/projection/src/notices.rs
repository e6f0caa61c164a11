use crate::{Projector, project::Versions};
use announce::{Audience, Event};
use contract::Frame;
use domain::{News, Notice, RoomNotice, UserId};
use queue::{PushJob, PushKind};
use std::time::Duration;

impl Projector {
    /// Tells people what happened between them, and of their own places in groups, on every connection of theirs; whoever misses it
    /// finds `user_rev` ahead.
    pub(crate) async fn tell(&self, notices: Vec<Notice>, room_notices: Vec<RoomNotice>, versions: &Versions) {
        self.notify(&notices).await;
        let events = notices.into_iter().map(|notice| {
            let user_rev = versions.get(&notice.to).copied().unwrap_or_default();
            event(notice.to, Frame::of_notice(notice, user_rev))
        });
        let of_rooms = room_notices.into_iter().map(|notice| {
            let user_rev = versions.get(&notice.to).copied();
            event(notice.to, Frame::of_room_notice(notice, user_rev))
        });
        self.announcer.announce(events.chain(of_rooms).collect()).await;
    }

    /// Has devices of whoever is asked told of friend requests, after the answer; who asks has a notice too, for their other devices'
    /// lists. What the queue does not take stays in the list of requests.
    async fn notify(&self, notices: &[Notice]) {
        let requests = notices.iter().filter(|notice| notice.news == News::Requested && notice.to != notice.by);
        let jobs: Vec<_> = requests.map(|notice| (self.job_of(notice), Duration::ZERO)).collect();
        if jobs.is_empty() || !self.announcer.has_notifications() {
            return;
        }
        let announcer = self.announcer.clone();
        let work = async move {
            announcer.notify(&jobs).await;
        };
        self.announcer.later(work).await;
    }

    fn job_of(&self, notice: &Notice) -> PushJob {
        let (room, id, seq, tries, at) = (None, None, None, 0, self.clock.now());
        let (from, to) = (Some(notice.by), Some(notice.to));
        PushJob { kind: PushKind::Friend, room, id, seq, tries, at, from, to, devices: Vec::new() }
    }
}

fn event(to: UserId, frame: Frame<'static>) -> Event {
    Event { audience: Audience { people: vec![to], except: None }, frame }
}
