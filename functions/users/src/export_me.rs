use crate::App;
use axum::extract::State;
use contract::{
    DeviceView, ExportItem, ExportedBlock, ExportedFriend, ExportedRequest, ExportedRoom, FriendRequestDirection,
    Listed, MessageView, PageQuery, RoomNotificationsView, SessionView,
};
use domain::{
    Code, Fault, FriendshipId, FriendshipWith, Membership, Message, Page, PageSize, RoomId, RoomKey, RoomKind, Session,
    UserId, notification::Installation,
};
use mongo::AuthorKey;
use mysql::{Blocked, Direction, RoomOf, SessionKey};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Query, QueryProblems, StoreProblems};

/// Exports what is stored of the caller.
///
/// The account first, then its sessions, friends, requests, blocks, rooms, notification settings and devices, then the caller's own
/// messages, the oldest first.
/// What other people wrote is not part of it.
#[utoipa::path(
    get, path = "/users/me/export", operation_id = "export_me", tag = "users", security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of the caller's data.", body = Listed<ExportItem>),
        QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn export_me(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Listed<ExportItem>>> {
    let (size, place) = query.parse::<Place>()?;
    let export = Export { app: &app, caller: &caller };
    let page = export.page(place.unwrap_or(Place::Profile), size).await?;
    Ok(Json(Listed::of(page, |item| item)?))
}

/// Where a page begins: at the beginning of a part, or after one of its items.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    Profile,
    Sessions(Option<SessionKey>),
    Friends(Option<FriendshipId>),
    Received(Option<FriendshipId>),
    Sent(Option<FriendshipId>),
    Blocks(Option<UserId>),
    Rooms(Option<RoomId>),
    Groups(Option<RoomId>),
    Notifications,
    Devices(Option<Installation>),
    RoomNotifications(Option<RoomKey>),
    Messages(Option<AuthorKey>),
}

struct Export<'a> {
    app: &'a App,
    caller: &'a Caller,
}

impl Export<'_> {
    /// Fills a page from one part after the other: each is read once at the most.
    async fn page(&self, from: Place, size: PageSize) -> Result<Page<ExportItem, Place>, Fault> {
        let (mut items, mut next) = (Vec::new(), Some(from));
        while let Some(place) = next.take() {
            let left = size.get() - i64::try_from(items.len()).map_err(Fault::internal)?;
            if left <= 0 {
                next = Some(place);
                break;
            }
            let (part, after) = self.part(place, PageSize::parse(Some(left))?).await?;
            items.extend(part);
            next = after;
        }
        Ok(Page { items, next })
    }

    async fn part(&self, place: Place, size: PageSize) -> Result<(Vec<ExportItem>, Option<Place>), Fault> {
        let (mysql, user, now) = (&self.app.projector.mysql, self.caller.id, self.app.clock.now());
        match place {
            Place::Profile => {
                let account = mysql.users().find(user).await?.ok_or(Code::Unauthenticated)?;
                Ok((vec![ExportItem::Profile(account.into())], Some(Place::Sessions(None))))
            }
            Place::Sessions(after) => {
                let page = mysql.sessions().list(user, after.as_ref(), size, now).await?;
                let session = |it: Session| ExportItem::Session(SessionView::of(it, &self.caller.session));
                Ok(part(page, session, Place::Sessions, Some(Place::Friends(None))))
            }
            Place::Friends(before) => {
                let page = mysql.friendships().list_friends(user, before, size).await?;
                Ok(part(page, friend, Place::Friends, Some(Place::Received(None))))
            }
            Place::Received(before) => {
                let page = mysql.friendships().list_requests(user, Direction::Received(now), before, size).await?;
                let received = |it| request(it, FriendRequestDirection::Received);
                Ok(part(page, received, Place::Received, Some(Place::Sent(None))))
            }
            Place::Sent(before) => {
                let page = mysql.friendships().list_requests(user, Direction::Sent, before, size).await?;
                let sent = |it| request(it, FriendRequestDirection::Sent);
                Ok(part(page, sent, Place::Sent, Some(Place::Blocks(None))))
            }
            Place::Blocks(after) => {
                let page = mysql.blocks().list(user, after, size).await?;
                Ok(part(page, block, Place::Blocks, Some(Place::Rooms(None))))
            }
            Place::Rooms(after) => {
                let page = mysql.private_rooms().list_of(user, after, size).await?;
                Ok(part(page, room, Place::Rooms, Some(Place::Groups(None))))
            }
            Place::Groups(after) => {
                let limit = u32::try_from(size.and_one()).map_err(Fault::internal)?;
                let groups = mysql.members().list_groups(user, after, limit).await?;
                let page = Page::cut(groups, size, |(room, _)| *room);
                Ok(part(page, group, Place::Groups, Some(Place::Notifications)))
            }
            Place::Notifications => {
                let settings = self.app.projector.mongo.notifications().find(user).await?;
                Ok((vec![ExportItem::NotificationSettings(settings.into())], Some(Place::Devices(None))))
            }
            Place::Devices(after) => {
                let mut devices = self.app.projector.mongo.devices().list(user).await?;
                devices.retain(|device| after.as_ref().is_none_or(|after| device.installation > *after));
                devices.sort_by(|a, b| a.installation.cmp(&b.installation));
                let page = Page::cut(devices, size, |device| device.installation.clone());
                let device = |device| ExportItem::Device(DeviceView::from(device));
                Ok(part(page, device, Place::Devices, Some(Place::RoomNotifications(None))))
            }
            Place::RoomNotifications(after) => {
                let notifications = self.app.projector.mongo.notifications();
                let page = notifications.list_of_rooms(user, after, size).await?;
                let of_room =
                    |(room, settings)| ExportItem::RoomNotifications(RoomNotificationsView::of(room, settings));
                Ok(part(page, of_room, Place::RoomNotifications, Some(Place::Messages(None))))
            }
            Place::Messages(after) => {
                let messages = self.app.projector.mongo.messages();
                let page = messages.list_of_author(user, after.as_ref(), size).await?;
                Ok(part(page, message, Place::Messages, None))
            }
        }
    }
}

/// The items of a part's page, and where to go on: in the same part, or in the one that follows.
fn part<T, K>(
    page: Page<T, K>,
    item: impl FnMut(T) -> ExportItem,
    within: impl FnOnce(Option<K>) -> Place,
    follows: Option<Place>,
) -> (Vec<ExportItem>, Option<Place>) {
    let Page { items, next } = page.map(item);
    let next = if next.is_some() { Some(within(next)) } else { follows };
    (items, next)
}

fn friend(friendship: FriendshipWith) -> ExportItem {
    let FriendshipWith { id, user, since } = friendship;
    ExportItem::Friend(ExportedFriend { id, user_id: user.id, since })
}

fn request(request: FriendshipWith, direction: FriendRequestDirection) -> ExportItem {
    let FriendshipWith { id, user, since: created_at } = request;
    ExportItem::Request(ExportedRequest { id, user_id: user.id, direction, created_at })
}

fn block(blocked: Blocked) -> ExportItem {
    let Blocked { user, at: created_at } = blocked;
    ExportItem::Block(ExportedBlock { user_id: user.profile.id, created_at })
}

fn room(room: RoomOf) -> ExportItem {
    let RoomOf { id: room_id, with, created_at: since } = room;
    ExportItem::Room(ExportedRoom { room_id, room_type: RoomKind::Private, user_id: Some(with), role: None, since })
}

fn group((room_id, of): (RoomId, Membership)) -> ExportItem {
    let Membership { role, joined_at: since, .. } = of;
    ExportItem::Room(ExportedRoom { room_id, room_type: RoomKind::Group, user_id: None, role: Some(role), since })
}

/// Without what others did to it, which a former member may not follow, and without others' texts: a quote, a forwarded text.
fn message(message: Message) -> ExportItem {
    let is_own = message.forwarded_from.is_none_or(|author| author == message.user);
    let content = if is_own { message.content } else { String::new() };
    let message = Message { content, reactions: Vec::new(), pin: None, ..message };
    ExportItem::Message(Box::new(MessageView::of(message, &HashMap::new())))
}
