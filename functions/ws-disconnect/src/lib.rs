#![doc = include_str!("../README.md")]

use boot::{BoxError, warm_up};
use domain::{Clock, ConnectionId, Fault};
use mongo::Mongo;
use queue::{Jobs, PresenceJob, Sqs};
use socket::{Answer, Event};
use tracing::info;

/// The WebSocket routes that lead here.
pub const ROUTES: &[&str] = &["$disconnect"];

/// What the handler works with.
#[derive(Debug, Clone)]
pub struct App {
    /// Connections.
    pub mongo: Mongo,
    /// People to look at: whether they are online may have changed.
    pub presence: Option<Jobs>,
    /// The time.
    pub clock: Clock,
}

impl App {
    /// Reads the settings and connects.
    pub async fn connect() -> Result<Self, BoxError> {
        let (mongo_url, presence_queue, aws) =
            boot::read(|settings| (settings.mongo_url(), settings.presence_queue_url(), settings.aws())).await?;
        let mongo = Mongo::connect(&mongo_url).await?;
        let presence = Sqs::jobs(presence_queue.as_deref(), &aws);
        warm_up("open connections to MongoDB", mongo.warm_up()).await;
        if let Some(queue) = &presence {
            queue.warm_up().await;
        }
        Ok(Self { mongo, presence, clock: boot::clock() })
    }
}

/// Forgets the connection. API Gateway does nothing with the answer, and a row that stays expires.
pub async fn handle(app: &App, event: Event) -> Result<Answer, Fault> {
    let forgotten = event.attempt("forget a closed connection", forget(app, event.connection())).await;
    if forgotten.is_ok() {
        info!("Forgot a closed connection");
    }
    Ok(Answer::status(200))
}

/// First whose it was is queued, then it is forgotten: a person whose row were gone and whom nobody looks at would stay online.
async fn forget(app: &App, connection: &ConnectionId) -> Result<(), Fault> {
    let connections = app.mongo.connections();
    let Some(person) = connections.find_owner(connection).await? else { return Ok(()) };
    let now = app.clock.now();
    let is_queued = match &app.presence {
        Some(queue) => PresenceJob::send(&**queue, &[person], 0, PresenceJob::GRACE, now).await,
        None => false,
    };
    if is_queued {
        connections.leave(connection, now).await.map(drop)
    } else {
        // The sweep finds it, no earlier than the job would have come.
        connections.expire(connection, now.plus(PresenceJob::GRACE)).await
    }
}
