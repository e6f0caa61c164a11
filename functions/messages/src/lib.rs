#![doc = include_str!("../README.md")]

mod add_reaction;
mod delete_message;
mod edit_message;
mod forward_message;
mod get_unread_total;
mod hide_message;
mod list_history;
mod list_messages;
mod list_pins;
mod list_reactions;
mod list_readers;
mod list_receipts;
mod list_replies;
mod list_unread;
mod pin_message;
mod read_messages;
mod remove_reaction;
mod search_messages;
mod send_message;
mod sync_messages;
mod unpin_message;

use announce::Announcer;
use axum::extract::FromRef;
use background::Background;
use boot::{BoxError, Limits, warm_up};
use credentials::{AccessTokens, Fingerprints};
use domain::Random;
use messaging::{Atlas, Author, MessageLimits, Messenger, Searcher};
use mongo::Mongo;
use queue::Sqs;
use realtime::ManagementApi;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::{Bearer, Gatekeeper};

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct App {
    /// Sends, changes and reads messages.
    pub messenger: Messenger,
    /// Checks access tokens.
    pub tokens: AccessTokens,
    /// Tells retries from other messages.
    pub fingerprints: Fingerprints,
    /// What searches share.
    pub searcher: Searcher,
    /// How often something may be done.
    pub limits: Limits,
    /// Names messages whose clients did not.
    pub random: Random,
}

impl App {
    /// Reads the settings and connects.
    pub async fn connect(background: Background) -> Result<Self, BoxError> {
        let (mongo_url, (connections_url, inline), queues, aws, signing, limits, index) = boot::read(|settings| {
            let (mongo_url, connections) = (settings.mongo_url(), settings.connections());
            let (queues, aws) = (settings.queues(), settings.aws());
            let index = settings.atlas_search_index();
            (mongo_url, connections, queues, aws, settings.signing(), settings.limits(), index)
        })
        .await?;
        let (mongo, clock) = (Mongo::connect(&mongo_url).await?, boot::clock());
        let pusher = Arc::new(ManagementApi::new(&connections_url, &aws));
        let announcer = Announcer::new(mongo.clone(), pusher, clock, background)
            .with_inline_connections(inline)
            .with_fanout(Sqs::jobs(queues.fanout.as_deref(), &aws))
            .with_presence(Sqs::jobs(queues.presence.as_deref(), &aws))
            .with_notifications(Sqs::jobs(queues.push.as_deref(), &aws));
        tokio::join!(warm_up("open connections to MongoDB", mongo.warm_up()), announcer.warm_up());
        let previous_key = signing.previous_key.as_deref();
        let tokens = AccessTokens::new(signing.algorithm, &signing.key, previous_key, signing.lifetime)?;
        let fingerprints = Fingerprints::new(&signing.key, previous_key);
        let messenger = Messenger { mongo, announcer, clock };
        let searcher = Searcher::default().with_atlas(index.as_deref().map(Atlas::new));
        Ok(Self { messenger, tokens, fingerprints, searcher, limits, random: boot::random() })
    }

    fn author<'a>(&'a self, caller: &'a Bearer) -> Author<'a> {
        let Limits { sends, retries, changes, .. } = self.limits;
        let limits = MessageLimits { sends, retries, changes };
        let (session, fingerprints) = (&caller.session, &self.fingerprints);
        Author { user: caller.id, session, connection: None, limits, fingerprints }
    }
}

impl FromRef<App> for Gatekeeper {
    fn from_ref(app: &App) -> Self {
        let App { messenger, tokens, limits, random, .. } = app;
        let (tokens, mongo) = (tokens.clone(), messenger.mongo.clone());
        Self { tokens, mongo, clock: messenger.clock, limits: *limits, random: *random }
    }
}

/// The routes of this function and their documentation.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(web::openapi())
        .routes(routes!(send_message::send_message))
        .routes(routes!(sync_messages::sync_messages))
        .routes(routes!(search_messages::search_messages))
        .routes(routes!(list_messages::list_messages))
        .routes(routes!(edit_message::edit_message))
        .routes(routes!(delete_message::delete_message))
        .routes(routes!(forward_message::forward_message))
        .routes(routes!(hide_message::hide_message))
        .routes(routes!(list_history::list_history))
        .routes(routes!(list_replies::list_replies))
        .routes(routes!(read_messages::read_messages))
        .routes(routes!(list_unread::list_unread))
        .routes(routes!(list_receipts::list_receipts))
        .routes(routes!(list_readers::list_readers))
        .routes(routes!(get_unread_total::get_unread_total))
        .routes(routes!(add_reaction::add_reaction, remove_reaction::remove_reaction, list_reactions::list_reactions))
        .routes(routes!(list_pins::list_pins))
        .routes(routes!(pin_message::pin_message, unpin_message::unpin_message))
}
