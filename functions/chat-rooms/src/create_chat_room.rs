use crate::{App, view::ChatRoomView};
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use domain::{Code, Fault, Invalid, PrivateRoom, RoomKey, Timestamp, UserId};
use mysql::Tx;
use projection::Changed;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Created, Json, StoreProblems};

/// Whom to talk to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewChatRoom {
    /// The other person.
    #[schema(value_type = i32, example = 4)]
    participant_id: UserId,
}

web::problems!(CreateProblems: UserNotFound);

/// Opens the room of the caller and another person, or finds the one that they have.
///
/// Twelve round trips for a new room, ten for one that exists.
#[utoipa::path(
    post, path = "/chat-rooms", operation_id = "create_chat_room", tag = "chat-rooms", security(("bearer" = [])),
    request_body = NewChatRoom,
    responses(
        (status = 201, description = "The new room", body = ChatRoomView),
        (status = 200, description = "The room that the two have", body = ChatRoomView),
        CreateProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn create_chat_room(
    State(app): State<App>,
    caller: Caller,
    Json(request): Json<NewChatRoom>,
) -> ApiResult<Response> {
    let command = OpenRoom { pair: request.pair_with(caller.id)?, at: app.clock.now() };
    let (room, opening) = app.projector.change(command, open_room).await?;
    let view = ChatRoomView::from(room);
    Ok(match opening {
        Opening::New => Created(view).into_response(),
        Opening::Existing => (StatusCode::OK, Json(view)).into_response(),
    })
}

#[derive(Debug, Clone, Copy)]
struct OpenRoom {
    pair: [UserId; 2],
    at: Timestamp,
}

enum Opening {
    New,
    Existing,
}

async fn open_room(tx: &mut Tx, command: OpenRoom) -> Result<Changed<(PrivateRoom, Opening)>, Fault> {
    tx.users().lock_pair(command.pair).await?;
    let (room, opening) = if let Some(room) = tx.private_rooms().find_by_pair(command.pair).await? {
        (room, Opening::Existing)
    } else {
        let room = tx.private_rooms().insert(command.pair, command.at).await?;
        tx.outbox().insert(RoomKey::private(room), command.at).await?;
        (room, Opening::New)
    };
    let whole = tx.private_rooms().find(room).await?.ok_or(Code::UserNotFound)?;
    Ok(Changed { room, answer: (whole, opening) })
}

impl NewChatRoom {
    fn pair_with(&self, caller: UserId) -> Result<[UserId; 2], Fault> {
        if self.participant_id == caller {
            return Err(Fault::field("participant_id", Invalid::Unsupported));
        }
        Ok([caller, self.participant_id])
    }
}
