use crate::{Projector, project::Versions};
use domain::{ConnectionId, Fault, Notice};
use futures_util::future::join_all;
use realtime::{Frame, INLINE_TIME, deliver};
use tracing::warn;

impl Projector {
    /// Tells people what happened, on every connection of theirs; whoever misses it finds `user_rev` ahead.
    ///
    /// One round trip and the pushes; none for no notices.
    pub(crate) async fn tell(&self, notices: Vec<Notice>, versions: &Versions) {
        if let Err(fault) = self.try_tell(notices, versions).await {
            warn!("Told nobody of a change: {:?}", fault.source);
        }
    }

    async fn try_tell(&self, notices: Vec<Notice>, versions: &Versions) -> Result<(), Fault> {
        if notices.is_empty() {
            return Ok(());
        }
        let people: Vec<_> = notices.iter().map(|notice| notice.to).collect();
        let connections = self.mongo.list_user_connections(&people, self.clock.now()).await?;
        let mut frames = Vec::new();
        for notice in notices {
            let to = notice.to;
            let ids: Vec<&ConnectionId> = connections
                .iter()
                .filter(|connection| connection.user == to)
                .map(|connection| &connection.id)
                .collect();
            let user_rev = versions.get(&to).copied().unwrap_or_default();
            frames.push((ids, Frame::of_notice(notice, user_rev).to_text()?));
        }
        let deliveries = join_all(frames.iter().map(|(ids, text)| deliver(&self.pusher, ids, text, INLINE_TIME))).await;
        let gone: Vec<_> = frames
            .iter()
            .zip(&deliveries)
            .flat_map(|((ids, _), delivery)| delivery.gone.iter().map(|place| ids[*place]))
            .filter_map(|id| connections.iter().find(|connection| connection.id == *id).cloned())
            .collect();
        if gone.is_empty() { Ok(()) } else { self.mongo.remove_gone_connections(&gone).await }
    }
}
