use crate::App;
use contract::{FramePayload, GapsNews, MOST_PINGED, Missed, PingFrame, Pong};
use domain::{Fault, Invalid};
use messaging::Gaps;
use mongo::Connection;

/// Answers what the client misses of what it says that it has: the last frame before a silence may have been lost. Where nobody
/// asked, only if there is something.
pub(crate) async fn ping(
    app: &App,
    connection: &Connection,
    ping: PingFrame,
    asked: bool,
) -> Result<Option<FramePayload>, Fault> {
    if ping.cursors.len() > MOST_PINGED {
        return Err(Fault::field("cursors", Invalid::TooLong));
    }
    let (user, mongo) = (connection.user, &app.messenger.mongo);
    let find_news = async {
        let Some(seen) = ping.user_rev else { return Ok(None) };
        let known = mongo.people().list_versions(&[user]).await?;
        Ok(known.get(&user).copied().filter(|version| *version > seen))
    };
    let (gaps, user_rev) = tokio::join!(messaging::list_gaps(mongo, user, &ping.cursors, MOST_PINGED), find_news);
    let (Gaps { ahead, gone, more }, user_rev): (_, Result<_, Fault>) = (gaps?, user_rev);
    let user_rev = user_rev?;
    let is_behind = !ahead.is_empty() || !gone.is_empty() || user_rev.is_some();
    let missed = Missed { gone, more, user_rev };
    if asked {
        return Ok(Some(FramePayload::Pong(Pong { gaps: ahead, missed })));
    }
    Ok(is_behind.then_some(FramePayload::Gaps(GapsNews { rooms: ahead, missed })))
}
