#![doc = include_str!("../README.md")]

mod accept_invitation;
mod add_member;
mod ban_user;
mod create_group_room;
mod create_invite;
mod delete_group_room;
mod delete_invite;
mod delete_picture;
mod get_group_room;
mod get_invitation;
mod join_group_room;
mod leave_group_room;
mod list_bans;
mod list_group_rooms;
mod list_invites;
mod list_members;
mod remove_member;
mod transfer_group_room;
mod turn;
mod unban_user;
mod update_group_room;
mod update_member;
mod update_picture;
mod view;

use axum::extract::FromRef;
use backend::Backend;
use background::Background;
use boot::BoxError;
use credentials::InviteCode;
use projection::Projector;
use std::{ops::Deref, sync::Arc};
use utoipa_axum::{router::OpenApiRouter, routes};
use web::Gatekeeper;

/// What the handlers work with; it derefs to both stores.
#[derive(Debug, Clone)]
pub struct App {
    /// What all functions of people and rooms have.
    pub backend: Backend,
    /// The page that takes the code of an invite.
    pub invite_url: Option<Arc<str>>,
}

impl App {
    /// Reads the settings and connects.
    pub async fn connect(background: Background) -> Result<Self, BoxError> {
        let (settings, invite_url) =
            boot::read(|settings| (Backend::settings(settings), settings.invite_url())).await?;
        Ok(Self { backend: settings.connect(background).await?, invite_url: invite_url.map(Arc::from) })
    }
}

impl App {
    /// Where the code of an invite is taken.
    fn url_of(&self, code: &InviteCode) -> Option<String> {
        self.invite_url.as_ref().map(|url| format!("{url}/{}", code.reveal()))
    }
}

impl Deref for App {
    type Target = Projector;

    fn deref(&self) -> &Projector {
        &self.backend.projector
    }
}

impl FromRef<App> for Gatekeeper {
    fn from_ref(app: &App) -> Self {
        Self::from_ref(&app.backend)
    }
}

/// The routes of this function and their documentation.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(web::openapi())
        .routes(routes!(list_group_rooms::list_group_rooms))
        .routes(routes!(create_group_room::create_group_room))
        .routes(routes!(get_group_room::get_group_room))
        .routes(routes!(update_group_room::update_group_room))
        .routes(routes!(delete_group_room::delete_group_room))
        .routes(routes!(update_picture::update_picture))
        .routes(routes!(delete_picture::delete_picture))
        .routes(routes!(join_group_room::join_group_room))
        .routes(routes!(leave_group_room::leave_group_room))
        .routes(routes!(transfer_group_room::transfer_group_room))
        .routes(routes!(list_members::list_members))
        .routes(routes!(add_member::add_member))
        .routes(routes!(update_member::update_member))
        .routes(routes!(remove_member::remove_member))
        .routes(routes!(list_bans::list_bans))
        .routes(routes!(ban_user::ban_user))
        .routes(routes!(unban_user::unban_user))
        .routes(routes!(list_invites::list_invites))
        .routes(routes!(create_invite::create_invite))
        .routes(routes!(delete_invite::delete_invite))
        .routes(routes!(get_invitation::get_invitation))
        .routes(routes!(accept_invitation::accept_invitation))
}
