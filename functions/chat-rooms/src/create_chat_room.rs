use crate::{App, get_chat_room::show};
use axum::extract::State;
use contract::{ChatRoomView, NewChatRoom};
use domain::{Aggregate, Code, Fault, PrivateRoom, Timestamp, UserId};
use mysql::Tx;
use projection::Changed;
use tracing::instrument;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Json, MadeOrFound, StoreProblems};

web::problems!(CreateProblems: UserNotFound, UserBlocked);

/// Opens a room with another person.
///
/// Two people have at most one room: if it exists, it is answered with 200.
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
    Ok(match app.projector.change(command, open_room).await? {
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
