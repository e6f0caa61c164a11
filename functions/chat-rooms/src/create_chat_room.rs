use crate::{App, get_chat_room::show};
use axum::extract::State;
use contract::{ChatRoomView, NewChatRoom};
use domain::{Aggregate, Code, Fault, PrivateRoom, Timestamp, UserId};
use mongo::Bucket;
use mysql::Tx;
use projection::{Changed, Projector};
use tracing::instrument;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Json, MadeOrFound, StoreProblems};

web::problems!(CreateProblems: UserNotFound, UserBlocked);

/// Opens a room with another person.
///
/// Two people have at most one room: if it exists, it is answered with 200. Rooms with people who are no friends are limited.
#[utoipa::path(
    post, path = "/chat-rooms", operation_id = "create_chat_room", tag = "chat-rooms", security(("bearer" = [])),
    request_body = NewChatRoom,
    responses(
        (status = 201, description = "The new room.", body = ChatRoomView),
        (status = 200, description = "The existing room.", body = ChatRoomView),
        CreateProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn create_chat_room(
    State(app): State<App>,
    caller: Caller,
    Json(request): Json<NewChatRoom>,
) -> ApiResult<MadeOrFound<ChatRoomView>> {
    let command = OpenRoom { by: caller.id, pair: request.pair_with(caller.id)?, at: app.clock.now() };
    let opened = match command.find(&app, &caller).await? {
        Some(room) => MadeOrFound::Found(room),
        None => app.projector.change(command, open_room).await?,
    };
    Ok(match opened {
        MadeOrFound::Made(room) => MadeOrFound::Made(room.into()),
        MadeOrFound::Found(room) => MadeOrFound::Found(show(&app, room, caller.id).await?),
    })
}

#[derive(Debug, Clone, Copy)]
struct OpenRoom {
    by: UserId,
    pair: [UserId; 2],
    at: Timestamp,
}

impl OpenRoom {
    /// The room that there is already, or a refusal: neither locks anybody.
    async fn find(self, app: &App, caller: &Caller) -> Result<Option<PrivateRoom>, Fault> {
        let Projector { mysql, mongo, .. } = &app.projector;
        let [by, other] = self.pair;
        let relation = mysql.relations().find(by, other).await?;
        let relation = relation.filter(|relation| relation.is_available).ok_or(Code::UserNotFound)?;
        if let Some(room) = relation.room {
            app.projector.catch_up(&[Aggregate::PrivateRoom(room)]).await?;
            return mysql.private_rooms().find(room, by).await?.ok_or(Code::UserNotFound.into()).map(Some);
        }
        if relation.is_blocked {
            return Err(Code::UserBlocked.into());
        }
        if !relation.is_friend {
            let passage = mongo.gates().pass(by, &caller.session, Bucket::NewRooms, app.limits.new_rooms).await?;
            passage.admit()?;
        }
        Ok(None)
    }
}

async fn open_room(tx: &mut Tx, command: OpenRoom) -> Result<Changed<MadeOrFound<PrivateRoom>>, Fault> {
    let OpenRoom { by, pair, at } = command;
    tx.users().lock_active_pair(pair).await?;
    let blocks = tx.blocks().list_between(pair).await?;
    if blocks.iter().any(|blocker| *blocker != by) {
        return Err(Code::UserNotFound.into());
    }
    let found = tx.private_rooms().find_by_pair(pair).await?;
    let room = match found {
        Some(room) => room,
        None if !blocks.is_empty() => return Err(Code::UserBlocked.into()),
        None => {
            let room = tx.private_rooms().insert(pair, at).await?;
            tx.outbox().insert(&[Aggregate::PrivateRoom(room)], at).await?;
            room
        }
    };
    let whole = tx.private_rooms().find(room, by).await?.ok_or(Code::UserNotFound)?;
    let answer = if found.is_some() { MadeOrFound::Found(whole) } else { MadeOrFound::Made(whole) };
    Ok(Changed::quietly(vec![Aggregate::PrivateRoom(room)], answer))
}
