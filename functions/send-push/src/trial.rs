use crate::{
    deliver::{Notice, deliver, named},
    run::Run,
};
use domain::{Fault, notification::Preview};
use push::{News, Notification};
use queue::PushJob;

/// Tells devices something, so that their person sees whether it arrives; what became of it stands on the device.
pub(crate) async fn trial(run: &Run<'_>, job: &PushJob) -> Result<(), Fault> {
    let users: Vec<_> = job.devices.iter().map(|device| device.user).collect();
    let read_at = run.now();
    let devices = run.app.mongo.devices().list_of_people(&users).await?;
    let named = devices.iter().filter(|device| job.devices.contains(&named(device)));
    let notices: Vec<_> = named
        .map(|device| {
            let notification =
                Notification { news: News::Test, room: None, id: None, seq: None, preview: Preview::None, badge: None };
            Notice { device, notification, author: None }
        })
        .collect();
    deliver(run, &notices, read_at).await;
    Ok(())
}
