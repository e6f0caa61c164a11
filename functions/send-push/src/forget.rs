use crate::run::Run;
use domain::{OrLog as _, notification::Device};
use std::collections::BTreeMap;
use tracing::error;

/// Forgets the devices that their services know no more, but for those of a service that knows too few of all; in any case counts
/// what the services answered. Once for a batch: it is one write however many jobs that had. A device that stays because of a fault is
/// found again by the next notification.
pub(crate) async fn forget_gone(run: &Run<'_>) {
    let (gone, devices) = (run.take_gone(), run.app.mongo.devices());
    let distrusted = run.app.providers.count_answers(!gone.is_empty()).await;
    let Some(distrusted) = distrusted.or_log("count what push services answered") else { return };
    let (kept, gone): (Vec<Device>, Vec<Device>) =
        gone.into_iter().partition(|device| distrusted.contains(&device.address.platform()));
    let mut by_platform: BTreeMap<&str, Vec<&Device>> = BTreeMap::new();
    for device in &kept {
        let platform = device.address.platform().as_str();
        error!(device.id = device.installation.as_str(), platform, "Kept a device: its service knows too few of all");
        by_platform.entry(platform).or_default().push(device);
    }
    for (platform, of) in by_platform {
        let why = format!("{platform} does not know it");
        devices.note_pushes(&of, run.now(), Some(&why)).await.or_log("note why devices were not notified");
    }
    for device in &gone {
        // It may have registered anew meanwhile.
        devices.remove_unregistered(device, device.seen_at).await.or_log("forget a device that is gone");
    }
}
