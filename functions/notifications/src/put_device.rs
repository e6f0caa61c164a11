use crate::App;
use axum::extract::State;
use contract::{DeviceView, NewDevice, ParsedDevice};
use credentials::hash_hex;
use domain::{
    Code, Fault, Invalid, Locale,
    notification::{Device, Installation},
};
use mongo::{Bucket, Registered};
use push::{BadTarget, Target};
use tracing::instrument;
use utoipa::IntoParams;
use web::{ApiResult, Bearer, BodyProblems, CallerProblems, Json, Language, MadeOrFound, Path, StoreProblems};

web::problems!(pub(crate) DeviceProblems: DeviceNotFound);

/// The device of a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it says what `Path<Installation>` reads")]
pub(crate) struct DevicePath {
    /// The id that the app has given itself.
    #[param(example = "6f1b1a3e-9f0e-4c0a-8f52-0d7f6c1e9b11")]
    installation: Installation,
}

/// Registers a device, so that it shows the caller's notifications.
///
/// Apps do so whenever they start, after a login, and when their token changes. A token belongs to whoever registered it last. The
/// device ends with the caller's session, a day later if that ends by age or unused, when 60 days have passed, and when the caller
/// registers more than 20.
#[utoipa::path(
    put, path = "/notifications/devices/{installation}", operation_id = "put_device", tag = "notifications",
    security(("bearer" = [])),
    params(DevicePath),
    request_body = NewDevice,
    responses(
        (status = 201, description = "The new device.", body = DeviceView),
        (status = 200, description = "The device, which was known.", body = DeviceView),
        DeviceProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, device.id = %installation))]
pub(crate) async fn put_device(
    State(app): State<App>,
    Language(language): Language,
    caller: Bearer,
    Path(installation): Path<Installation>,
    Json(new): Json<NewDevice>,
) -> ApiResult<MadeOrFound<DeviceView>> {
    let device = parse(&app, &caller, installation, new, language)?;
    caller.spend(&app.mongo, Bucket::Notifications, app.limits.notifications).await?;
    Ok(register(&app, device).await?.map(DeviceView::from))
}

/// The device that a request describes, or every bad field.
fn parse(
    app: &App,
    caller: &Bearer,
    installation: Installation,
    new: NewDevice,
    language: Locale,
) -> Result<Device, Fault> {
    if !app.platforms.contains(&new.platform) {
        return Err(Fault::field("platform", Invalid::Unsupported));
    }
    let (at, locale) = (app.clock.now(), new.locale.unwrap_or(language));
    let ParsedDevice { address, time_zone, app_version } = new.parse()?;
    Target::of(&address, &app.hosts).map_err(|bad| match bad {
        BadTarget::Token => Fault::field("token", Invalid::BadFormat),
        BadTarget::Endpoint => Fault::field("subscription.endpoint", Invalid::NotAllowed),
        BadTarget::Keys => Fault::field("subscription.keys", Invalid::BadFormat),
    })?;
    Ok(Device {
        user: caller.id,
        installation,
        session: caller.session.clone(),
        address,
        locale,
        time_zone,
        app_version,
        created_at: at,
        seen_at: at,
        last_push_at: None,
        last_error: None,
    })
}

/// The end of a session is written to the gate before its devices are listed, and a device is stored before the gate is read here:
/// one of the two sees the other. A device of another session is pending until then: if this process dies in between, nobody sees it until
/// it registers again.
async fn register(app: &App, device: Device) -> Result<MadeOrFound<Device>, Fault> {
    let token = format!("{}:{}", device.address.platform().as_str(), device.address.token());
    let (devices, mut causal) = (app.mongo.devices(), app.mongo.causal().await?);
    let stored = devices.register_in(&mut causal, &device, &hash_hex(token.as_bytes())).await?;
    let Registered { device, is_new, is_pending } = stored;
    if app.mongo.gates().is_ended_in(&mut causal, device.user, &device.session).await? {
        devices.withdraw(&device).await?;
        return Err(Code::Unauthenticated.into());
    }
    if is_pending {
        devices.confirm(&device).await?;
    }
    Ok(if is_new { MadeOrFound::Made(device) } else { MadeOrFound::Found(device) })
}
