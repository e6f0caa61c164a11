#![doc = include_str!("../README.md")]

use boot::{BoxError, warm_up};
use domain::Fault;
use mongo::Mongo;
use socket::{Answer, Event};
use tracing::info;

/// The WebSocket routes that lead here.
pub const ROUTES: &[&str] = &["$disconnect"];

/// Reads the settings and connects.
pub async fn connect() -> Result<Mongo, BoxError> {
    let mongo = Mongo::connect(&boot::read(boot::Settings::mongo_url).await?).await?;
    warm_up("open connections to MongoDB", mongo.warm_up()).await;
    Ok(mongo)
}

/// Forgets the connection. API Gateway does nothing with the answer, and a row that stays expires.
pub async fn handle(mongo: &Mongo, event: Event) -> Result<Answer, Fault> {
    let forgotten = event.attempt("forget a closed connection", mongo.connections().remove(event.connection())).await;
    if forgotten.is_ok() {
        info!("Forgot a closed connection");
    }
    Ok(Answer::status(200))
}
