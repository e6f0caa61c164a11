use crate::{App, done};
use contract::{FramePayload, TypingFrame};
use domain::Fault;
use mongo::Touched;

/// Tells a room's other members that the user types or stopped, unless it was told a moment ago.
pub(crate) async fn typing(
    app: &App,
    touched: &Touched,
    typing: TypingFrame,
    asked: bool,
) -> Result<Option<FramePayload>, Fault> {
    if app.typing && touched.is_typing_told {
        messaging::tell_typing(&app.messenger, typing.room, touched.connection.user, typing.on).await?;
    }
    Ok(done(asked))
}
