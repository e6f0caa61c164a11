use crate::{App, MigrateError, failed};
use domain::Timestamp;
use projection::{Cursor, CursorError, Rebuilt};
use serde::Serialize;

/// What a rebuild did, and whether there is more to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RebuildReport {
    people: usize,
    rooms: usize,
    sessions: usize,
    repaired: Repaired,
    failed: usize,
    /// Whether it is to be invoked again, with this cursor.
    more: bool,
    cursor: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Repaired {
    people: usize,
    rooms: usize,
    closed_rooms: usize,
    foreign_rooms: usize,
}

impl App {
    /// Projects what MySQL knows from a cursor on, as long as there is time.
    pub(crate) async fn rebuild(&self, cursor: Option<&str>, until: Timestamp) -> Result<RebuildReport, MigrateError> {
        let cursor: Result<Option<Cursor>, CursorError> = cursor.map(str::parse).transpose();
        let cursor = cursor.map_err(|CursorError| MigrateError {
            store: "cursor",
            why: "none that a rebuild has answered".to_owned(),
        })?;
        let rebuilt = self.projector.rebuild(cursor, until).await.map_err(|why| failed("rebuild", &why))?;
        Ok(rebuilt.into())
    }
}

impl From<Rebuilt> for RebuildReport {
    fn from(rebuilt: Rebuilt) -> Self {
        let Rebuilt { people, rooms, sessions, raised_people, raised_rooms, closed_rooms, foreign_rooms, failed, next } =
            rebuilt;
        let repaired = Repaired { people: raised_people, rooms: raised_rooms, closed_rooms, foreign_rooms };
        let cursor = next.map(|cursor| cursor.to_string());
        Self { people, rooms, sessions, repaired, failed, more: cursor.is_some(), cursor }
    }
}
