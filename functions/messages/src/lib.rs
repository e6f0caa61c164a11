#![doc = include_str!("../README.md")]

mod delete_message;
mod edit_message;
mod list_messages;
mod list_unread;
mod read_messages;
mod send_message;
mod sync_messages;

use axum::{Router, extract::FromRef};
use domain::{Clock, Limit, Random};
use messaging::Messenger;
use mongo::Mongo;
use realtime::ManagementApi;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::Gatekeeper;

/// What the handlers work with.
#[derive(Debug, Clone, FromRef)]
pub struct App {
    /// Knows callers.
    pub gatekeeper: Gatekeeper,
    /// The record of messages.
    pub mongo: Mongo,
    /// Reaches open WebSockets.
    pub pusher: ManagementApi,
    /// How many messages a person may send.
    pub send_limit: Limit,
    /// The time.
    pub clock: Clock,
    /// Names messages whose clients did not.
    pub random: Random,
}

impl App {
    fn messenger(&self) -> Messenger<'_> {
        Messenger { mongo: &self.mongo, clock: self.clock, send_limit: self.send_limit }
    }
}

/// The routes of this function.
pub fn router(app: App) -> Router {
    routes_with_openapi().with_state(app).split_for_parts().0
}

/// The routes of this function, as the API's document has them.
pub fn openapi() -> OpenApi {
    routes_with_openapi().into_openapi()
}

fn routes_with_openapi() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(web::openapi())
        .routes(routes!(send_message::send_message))
        .routes(routes!(sync_messages::sync_messages))
        .routes(routes!(list_messages::list_messages))
        .routes(routes!(edit_message::edit_message))
        .routes(routes!(delete_message::delete_message))
        .routes(routes!(read_messages::read_messages))
        .routes(routes!(list_unread::list_unread))
}
