use crate::{Projector, project::Versions};
use announce::{Audience, Event};
use contract::Frame;
use domain::Notice;

impl Projector {
    /// Tells people what happened between them, on every connection of theirs; whoever misses it finds `user_rev` ahead.
    pub(crate) async fn tell(&self, notices: Vec<Notice>, versions: &Versions) {
        let events = notices.into_iter().map(|notice| {
            let audience = Audience { people: vec![notice.to], except: None };
            let user_rev = versions.get(&notice.to).copied().unwrap_or_default();
            Event { audience, frame: Frame::of_notice(notice, user_rev) }
        });
        self.announcer.announce(events.collect()).await;
    }
}
