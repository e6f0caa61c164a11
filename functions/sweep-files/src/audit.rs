//! Compares the objects that there are with those that uploads name, once a day.

use crate::{Report, Sweeper};
use domain::{Fault, Timestamp, UploadState};
use mongo::{AuditedUpload, FilesAudit};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How often everything is compared.
const EVERY: Duration = Duration::from_hours(24);
/// How many objects are compared at once.
const PAGE: u16 = 1_000;
/// How many uploads are read at once.
const ROWS: u16 = 3_000;
/// From how many uploads that are unknown on, and which share of all, nothing is deleted: rather the rows are missing.
const MOST_UNKNOWN: usize = 20;
const UNKNOWN_SHARE: usize = 20;
/// How old an object without an upload must be.
const ORPHAN_AFTER: Duration = Duration::from_hours(48);
/// How long ago an upload must have moved last: what moved meanwhile may have been listed before.
const SETTLED_AFTER: Duration = Duration::from_hours(1);

/// Some objects by the id of their upload, with the time of the last write of each, and up to which id they are all there are.
struct Objects {
    by_id: BTreeMap<String, Vec<(String, Timestamp)>>,
    through: Option<String>,
}

impl Sweeper {
    /// Goes on comparing where the run before ended.
    pub(crate) async fn audit(&self, until: Timestamp, report: &mut Report) -> Result<(), Fault> {
        loop {
            let (audit, now) = (self.mongo.uploads().find_audit().await?, self.clock.now());
            if now < audit.due_at || now >= until {
                return Ok(());
            }
            let through = self.audit_page(audit.after.as_deref(), now, report).await?;
            let due_at = if through.is_some() { now } else { now.plus(EVERY) };
            self.mongo.uploads().note_audit(&FilesAudit { after: through, due_at }).await?;
        }
    }

    /// Compares the objects and uploads behind an id; answers the id up to which it came, none at the end.
    async fn audit_page(
        &self,
        after: Option<&str>,
        now: Timestamp,
        report: &mut Report,
    ) -> Result<Option<String>, Fault> {
        // The rows are read after the objects, so that what is written meanwhile has one.
        let mut objects = self.list_objects(after).await?;
        let rows = self.mongo.uploads().list_range(after, objects.through.as_deref(), ROWS).await?;
        if rows.len() == usize::from(ROWS) {
            objects.through = rows.last().map(|row| row.id.to_string());
        }
        if let Some(through) = &objects.through {
            objects.by_id.retain(|id, _| id <= through);
        }
        for row in rows.iter().filter(|row| is_settled(row, now)) {
            report.missing += objects.tell_missing(row);
        }
        let attached: Vec<_> = rows.iter().filter(|row| row.state == UploadState::Attached).map(|row| row.id).collect();
        self.mongo.uploads().purge_tombstones(&attached).await?;
        let known: BTreeSet<_> = rows.iter().map(|row| row.id.to_string()).collect();
        let (unknown, orphans) = objects.list_orphans(&known, now);
        if unknown > MOST_UNKNOWN && unknown * UNKNOWN_SHARE > objects.by_id.len() {
            tracing::error!(
                unknown,
                all = objects.by_id.len(),
                after,
                "Too many files have no upload: none is deleted"
            );
            report.spared += orphans.len();
        } else if !orphans.is_empty() {
            self.files.delete(&orphans).await?;
            report.orphans += orphans.len();
        }
        Ok(objects.through)
    }

    /// The objects behind an id. Of a full page those of the last id are left to the next one: there may be more of them.
    async fn list_objects(&self, after: Option<&str>) -> Result<Objects, Fault> {
        // What follows `/` follows every key of the id.
        let after = after.map(|id| format!("{id}0"));
        let page = self.files.page_of_files(after.as_deref(), PAGE).await?;
        let is_full = page.len() == usize::from(PAGE);
        let mut by_id: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for (key, written) in page {
            let id = key.split('/').next().unwrap_or_default().to_owned();
            by_id.entry(id).or_default().push((key, written));
        }
        if is_full && by_id.len() > 1 {
            by_id.pop_last();
        }
        let last = by_id.last_key_value().map(|(id, _)| id.clone());
        Ok(Objects { by_id, through: last.filter(|_| is_full) })
    }
}

fn is_settled(row: &AuditedUpload, now: Timestamp) -> bool {
    matches!(row.state, UploadState::Ready | UploadState::Attached) && row.moved_at < now.minus(SETTLED_AFTER)
}

impl Objects {
    /// Of how many uploads that are not known there are old objects, and which.
    fn list_orphans(&self, known: &BTreeSet<String>, now: Timestamp) -> (usize, Vec<String>) {
        let is_old = |written: Timestamp| written < now.minus(ORPHAN_AFTER);
        let (mut uploads, mut orphans) = (0, Vec::new());
        for (_, objects) in self.by_id.iter().filter(|(id, _)| !known.contains(*id)) {
            let before = orphans.len();
            orphans.extend(objects.iter().filter(|(_, written)| is_old(*written)).map(|(key, _)| key.clone()));
            uploads += usize::from(orphans.len() > before);
        }
        (uploads, orphans)
    }

    /// Logs which objects of an upload are missing, and answers how many.
    fn tell_missing(&self, row: &AuditedUpload) -> usize {
        let found = self.by_id.get(&row.id.to_string());
        let is_there = |key: &String| found.is_some_and(|found| found.iter().any(|(there, _)| there == key));
        let missing: Vec<_> = row.objects.iter().filter(|key| !is_there(key)).collect();
        for object in &missing {
            tracing::error!(upload.id = %row.id, object, "A file is missing");
        }
        missing.len()
    }
}
