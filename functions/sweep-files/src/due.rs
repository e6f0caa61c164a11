use crate::{Report, Sweeper};
use domain::{Fault, MessageId, OrLog as _, Purpose, Timestamp, UploadState};
use futures_util::{StreamExt as _, stream};
use mongo::Due;
use std::{collections::HashMap, time::Duration};

/// At how many uploads a run looks, and at how many at once.
const MOST_DUE: u16 = 200;
const AT_ONCE: usize = 8;

/// How long an upload waits whose step failed, so that others have their turn.
const FAILED_WAITS: Duration = Duration::from_mins(1);

impl Sweeper {
    /// Takes each upload that is due a step on; what fails is due again a minute later.
    pub(crate) async fn sweep_due(&self, until: Timestamp, report: &mut Report) -> Result<(), Fault> {
        let uploads = self.mongo.uploads();
        let due = uploads.list_due(self.clock.now(), MOST_DUE).await?;
        let doubtful = due.iter().filter(|due| due.is_claimed || due.upload.state == UploadState::Deleting);
        let doubtful: Vec<_> = doubtful.map(|due| due.upload.id).collect();
        let holders: HashMap<_, _> = uploads.list_holders(&doubtful).await?;
        let steps = due.into_iter().map(|due| {
            let holder = holders.get(&due.upload.id).copied();
            self.try_step(due, holder, until)
        });
        let mut steps = stream::iter(steps).buffer_unordered(AT_ONCE);
        while let Some(stepped) = steps.next().await {
            *report += stepped;
        }
        Ok(())
    }

    async fn try_step(&self, due: Due, holder: Option<MessageId>, until: Timestamp) -> Report {
        let mut report = Report::default();
        if self.clock.now() >= until {
            return report;
        }
        let stepped = Box::pin(self.step(&due, holder, &mut report)).await;
        if stepped.or_log("end an upload").is_none() {
            report.failed += 1;
            let later = self.clock.now().plus(FAILED_WAITS);
            self.mongo.uploads().postpone(&due, later).await.or_log("look at an upload later");
        }
        report
    }

    async fn step(&self, due: &Due, holder: Option<MessageId>, report: &mut Report) -> Result<(), Fault> {
        let (uploads, now) = (self.mongo.uploads(), self.clock.now());
        match (due.upload.state, holder) {
            // The first pass has deleted its objects: what lists it came too late.
            (UploadState::Deleting, Some(holder)) if due.passes > 0 => {
                tracing::error!(upload.id = %due.upload.id, message.id = %holder, "A message lists a file that is gone");
                self.delete(due, now, report).await
            }
            (_, Some(holder)) => {
                report.given += usize::from(uploads.give(due, holder, now).await?);
                Ok(())
            }
            (UploadState::Deleting, None) => self.delete(due, now, report).await,
            // Who shows a picture is known without a message.
            (UploadState::Ready | UploadState::Attached, None) if due.upload.purpose != Purpose::Message => {
                report.settled += usize::from(uploads.settle_picture(due, now).await?);
                Ok(())
            }
            (UploadState::Ready, None) if due.is_claimed => {
                report.freed += usize::from(uploads.unclaim(due).await?);
                Ok(())
            }
            (UploadState::Pending | UploadState::Ready | UploadState::Rejected, None) => {
                report.ended += usize::from(uploads.expire(due, now).await?);
                Ok(())
            }
            // Inspection looks at these, and nobody at those.
            (UploadState::Uploaded | UploadState::Attached, None) => Ok(()),
        }
    }

    /// Deletes what there is of an upload, unless somebody inspects it at the moment.
    async fn delete(&self, due: &Due, now: Timestamp, report: &mut Report) -> Result<(), Fault> {
        let (uploads, upload) = (self.mongo.uploads(), &due.upload);
        if let Some(until) = due.leased_until.filter(|until| now < *until) {
            uploads.postpone(due, until).await?;
            return Ok(());
        }
        if let Some(multipart) = &upload.multipart {
            self.files.abort_parts(upload.id, multipart).await?;
        }
        self.files.delete_upload(upload.id).await?;
        self.files.delete(&upload.id.keys()).await?;
        report.deleted += usize::from(uploads.note_deleted(due, now).await? && due.passes == 0);
        Ok(())
    }
}
