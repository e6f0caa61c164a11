use crate::{Projector, project::Versions};
use announce::{Audience, Event};
use contract::Frame;
use domain::{Notice, RoomNotice, UserId};

impl Projector {
    /// Tells people what happened between them, and of their own places in groups, on every connection of theirs; whoever misses it
    /// finds `user_rev` ahead.
    pub(crate) async fn tell(&self, notices: Vec<Notice>, room_notices: Vec<RoomNotice>, versions: &Versions) {
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
}

fn event(to: UserId, frame: Frame<'static>) -> Event {
    Event { audience: Audience { people: vec![to], except: None }, frame }
}
