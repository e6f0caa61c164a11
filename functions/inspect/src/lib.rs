#![doc = include_str!("../README.md")]

mod event;
mod examine;
mod folder;

pub use event::Event;

use announce::{Announcer, Audience};
use boot::MediaLimits;
use contract::{Frame, UploadView};
use domain::{Clock, Fault, MalwareScan, Rejection, ScanResult, Upload, UploadId, UploadState};
use event::{News, What, scan_result};
use files::Files;
use media::{Inspector, Limits};
use mongo::{Leased, Mongo, Refusal};
use serde::Serialize;
use std::time::Duration;
use tokio::time::timeout;
use tracing::{info, instrument};

/// How long one inspection may take: its lease and the function's own limit are longer.
const TIME: Duration = Duration::from_secs(45);

/// How many uploads one run catches up with, of which most may be refused at once, and for how long it begins with another one.
const MOST_CAUGHT_UP: u16 = 200;
const TIME_TO_BEGIN: Duration = Duration::from_secs(8);

/// What it takes to inspect files.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// Both buckets.
    pub files: Files,
    /// The children that look.
    pub inspector: Inspector,
    /// What scans bytes before they are looked at.
    pub scan: MalwareScan,
    /// Tells owners.
    pub announcer: Announcer,
    /// The uploads.
    pub mongo: Mongo,
    /// The time.
    pub clock: Clock,
}

/// What an invocation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// Uploads that were accepted or refused.
    pub inspected: u16,
}

/// What a file may contain, as an installation has it.
pub fn limits(settings: &MediaLimits) -> Limits {
    let MediaLimits { image_pixels, picture_pixels, voice, video } = *settings;
    Limits { image_pixels, picture_pixels, voice, video }
}

impl Inspection {
    /// Inspects the upload that an event names, or those that no event brought.
    pub async fn answer(&self, event: &Event) -> Result<Report, Fault> {
        match event.news() {
            Some(Ok(news)) => {
                self.note(&news).await?;
                Ok(Report { inspected: u16::from(self.inspect(news.upload).await?) })
            }
            Some(Err(_)) => {
                info!("Left an object that is no upload");
                Ok(Report::default())
            }
            None => self.catch_up().await,
        }
    }

    /// Notes what an event tells, which may have been told before.
    #[instrument(skip_all, fields(upload.id = %news.upload))]
    async fn note(&self, news: &News<'_>) -> Result<(), Fault> {
        let (News { upload, etag, what }, uploads, now) = (news, self.mongo.uploads(), self.clock.now());
        match *what {
            What::Arrived(size) => {
                uploads.arrive(*upload, size, etag, now).await?;
            }
            What::Scanned(status) => {
                info!(status, "Scanned");
                let result = scan_result(status);
                let is_noted = uploads.note_scan(*upload, etag, result, now).await?;
                if result == ScanResult::Malware && !is_noted && self.is_accepted(*upload).await? {
                    Fault::internal("it was accepted before malware was found in it").log("refuse a file");
                }
            }
        }
        Ok(())
    }

    async fn is_accepted(&self, id: UploadId) -> Result<bool, Fault> {
        let found = self.mongo.uploads().find(id).await?;
        Ok(found.is_some_and(|upload| matches!(upload.state, UploadState::Ready | UploadState::Attached)))
    }

    /// Inspects what should have been by now. One that fails holds no other up.
    async fn catch_up(&self) -> Result<Report, Fault> {
        let begun = self.clock.now();
        let uploads = self.mongo.uploads().list_uninspected(begun, MOST_CAUGHT_UP).await?;
        let (mut report, mut failed) = (Report::default(), None);
        for upload in uploads {
            if begun.until(self.clock.now()) > TIME_TO_BEGIN {
                break;
            }
            match self.inspect(upload).await {
                Ok(is_inspected) => report.inspected += u16::from(is_inspected),
                Err(fault) => failed = Some(fault),
            }
        }
        failed.map_or(Ok(report), Err)
    }

    /// Inspects an upload, unless somebody else does or did, or it waits for its scan; answers whether it did.
    #[instrument(skip_all, fields(upload.id = %id))]
    async fn inspect(&self, id: UploadId) -> Result<bool, Fault> {
        let uploads = self.mongo.uploads();
        let inspected = match uploads.lease(id, self.scan, self.clock.now()).await? {
            Leased::Mine(lease) => {
                let examined = Box::pin(timeout(TIME, self.examine(&lease.upload))).await;
                let outcome = examined.map_err(Fault::unavailable)??;
                uploads.finish(&lease, &outcome, self.clock.now()).await?
            }
            Leased::Refused(upload, why) => {
                log(why);
                Some(*upload)
            }
            Leased::Not => None,
        };
        let Some(upload) = inspected else { return Ok(false) };
        info!(state = upload.state.as_str(), reason = upload.reason.map(Rejection::as_str), "Inspected");
        self.tell(upload).await;
        Ok(true)
    }

    /// Tells all connections of an upload's owner what came of it.
    async fn tell(&self, upload: Upload) {
        let audience = Audience { people: vec![upload.owner], except: None };
        let frame = Frame::of_upload(UploadView::of(upload));
        self.announcer.announce(vec![announce::Event { audience, frame }]).await;
    }
}

/// Logs why an upload is refused uninspected, where that should not be: an alarm counts these lines.
fn log(why: Refusal) {
    let cause = match why {
        Refusal::Malware => return,
        Refusal::ScanFailed => "it can't be scanned for malware",
        Refusal::NoScan => "no scan for malware came to an end in time",
        Refusal::GivenUp => "inspection failed several times",
    };
    Fault::internal(cause).log("inspect a file");
}
