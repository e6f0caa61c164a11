use crate::{App, hello::MOST_GAPS};
use contract::{FramePayload, PingFrame, Pong};
use domain::Fault;
use messaging::Gaps;
use mongo::Connection;

/// Answers what the client misses of what it says that it has: the last frame before a silence may have been lost.
pub(crate) async fn ping(app: &App, connection: &Connection, ping: PingFrame) -> Result<FramePayload, Fault> {
    let (user, mongo) = (connection.user, &app.messenger.mongo);
    let find_news = async {
        let Some(seen) = ping.user_rev else { return Ok(None) };
        let person = mongo.people().find(user).await?;
        Ok(person.map(|person| person.version).filter(|version| *version > seen))
    };
    let (gaps, user_rev) = tokio::join!(messaging::list_gaps(mongo, user, &ping.cursors, MOST_GAPS), find_news);
    let (Gaps { ahead: gaps, gone, more }, user_rev): (_, Result<_, Fault>) = (gaps?, user_rev);
    Ok(FramePayload::Pong(Pong { gaps, gone, more, user_rev: user_rev? }))
}
