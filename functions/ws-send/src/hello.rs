use crate::App;
use contract::{FramePayload, HelloFrame, Ready};
use domain::{Code, Fault, UserId};
use messaging::Gaps;
use mongo::{Connection, OnlineFriends};
use std::time::Duration;

/// The version of the protocol that this code speaks.
const VERSION: u32 = 1;
/// API Gateway closes a connection after two hours; clients come back ten to fifteen minutes before, not all at once.
const RECONNECT_AFTER: Duration = Duration::from_mins(105);
const RECONNECT_SPREAD_SECONDS: u64 = 300;
/// API Gateway closes a connection after ten idle minutes.
const PING_SECONDS: u32 = 540;
/// Somebody counts as there for 150 s: half a minute is left for the frame that says so again.
const ACTIVE_SECONDS: u32 = 120;
/// When somebody who came online is looked at; if the queue is away, the sweep does it.
const SOON: Duration = Duration::from_secs(1);
const MOST_GAPS: usize = 200;
/// How many friends are named who are online.
const MOST_ONLINE: usize = 500;

/// Answers who the client is and which rooms have changes that it misses.
pub(crate) async fn hello(app: &App, connection: &Connection, hello: HelloFrame) -> Result<FramePayload, Fault> {
    if hello.v != VERSION {
        return Err(Code::UnsupportedVersion.into());
    }
    let (user, mongo) = (connection.user, &app.messenger.mongo);
    let people = [user];
    // What takes longest begins first: an environment has few connections to the store.
    let (presence, gaps, unread, versions, was_online) = tokio::join!(
        list_online(app, user),
        messaging::list_gaps(mongo, user, &hello.cursors, MOST_GAPS),
        mongo.rooms().count_unread_of_person(user, app.messenger.clock.now()),
        mongo.people().list_versions(&people),
        mongo.presence().greet(user, app.messenger.clock.now()),
    );
    let presence = presence?;
    if !was_online? && presence.is_shown {
        let announcer = app.messenger.announcer.clone();
        let work = async move {
            announcer.look_at(&[user], 0, SOON).await;
        };
        app.messenger.announcer.later(work).await;
    }
    let (Gaps { ahead: gaps, gone, more }, unread) = (gaps?, unread?);
    let spread = u64::from_be_bytes(app.random.bytes()) % RECONNECT_SPREAD_SECONDS;
    Ok(FramePayload::Ready(Ready {
        user,
        session: connection.session.clone(),
        reconnect_at: connection.connected_at.plus(RECONNECT_AFTER + Duration::from_secs(spread)).seconds(),
        ping_s: PING_SECONDS,
        active_s: ACTIVE_SECONDS,
        typing: app.typing,
        gaps,
        gone,
        more,
        unread: unread.rooms.into_iter().map(|room| (room.room, room.unread)).collect(),
        user_rev: versions?.get(&user).copied().unwrap_or(0),
        presence: view(presence),
        badge: unread.total.badge,
    }))
}

/// Which of somebody's friends are online.
pub(crate) async fn list_online(app: &App, user: UserId) -> Result<OnlineFriends, Fault> {
    app.messenger.mongo.presence().list_online_friends(user, MOST_ONLINE).await
}

/// Which friends are online, as a client sees it.
pub(crate) fn view(OnlineFriends { online, more, .. }: OnlineFriends) -> contract::OnlineFriends {
    contract::OnlineFriends { online, more }
}
