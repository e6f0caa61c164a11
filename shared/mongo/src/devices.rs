use crate::{
    Causal, Mongo,
    fault::{is_duplicate_key, store_fault},
    messages::date,
    one_batch,
    schema::DEVICES,
    w1,
};
use domain::{
    Fault, Locale, SessionId, Timestamp, UserId,
    notification::{Address, Device, Installation, MOST_DEVICES, Platform, PushHost, Subscription, TimeZone},
};
use futures_util::TryStreamExt as _;
use mongodb::{
    Collection,
    bson::{Binary, Bson, DateTime, Document, doc, spec::BinarySubtype},
    options::ReturnDocument,
};
use serde::Deserialize;
use std::collections::{BTreeSet, HashSet};

/// How often a registration begins anew because others registered the same token meanwhile: each of them does so once.
const MOST_TRIES: usize = 100;

/// The repository of `devices`: where a person's notifications go.
///
/// A token belongs to one person: whoever registers it last. A device ends with the login that registered it.
#[derive(Debug, Clone, Copy)]
pub struct Devices<'a>(pub(crate) &'a Mongo);

/// What a registration has stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The device.
    pub device: Device,
    /// Whether it is new for its person.
    pub is_new: bool,
    /// Whether nobody sees it before [`Devices::confirm`].
    pub is_pending: bool,
}

#[derive(Deserialize)]
struct DeviceRow {
    #[serde(rename = "_id")]
    id: DeviceId,
    /// Whether it is not known yet that its session goes on.
    #[serde(default)]
    pending: bool,
    session_id: SessionId,
    platform: Platform,
    token: Option<String>,
    environment: Option<PushHost>,
    endpoint: Option<String>,
    p256dh: Option<Binary>,
    auth: Option<Binary>,
    locale: Locale,
    time_zone: Option<String>,
    app_version: Option<String>,
    created_at: DateTime,
    seen_at: DateTime,
    last_push_at: Option<DateTime>,
    last_error: Option<String>,
}

/// What a registration found.
#[derive(Deserialize)]
struct Before {
    created_at: DateTime,
    session_id: SessionId,
    #[serde(default)]
    pending: bool,
}

#[derive(Deserialize)]
struct DeviceId {
    user: UserId,
    installation: Installation,
}

impl Devices<'_> {
    fn collection(self) -> Collection<DeviceRow> {
        self.0.collection(DEVICES)
    }

    /// Registers a device. A token moves to the person who registers it last; of too many devices, those not seen for longest are
    /// removed. Later reads in the causal session include this write.
    ///
    /// A device of another session than before is pending until [`Devices::confirm`], since the session may end meanwhile and the
    /// writer die: nobody sees it until then. One write if it has the same token as before.
    pub async fn register_in(
        self,
        causal: &mut Causal,
        device: &Device,
        token_hash: &str,
    ) -> Result<Registered, Fault> {
        if let Some(registered) = self.renew(causal, device, token_hash).await? {
            return Ok(registered);
        }
        for _ in 0..MOST_TRIES {
            self.take_from_others(causal, device, token_hash).await?;
            match self.write(causal, device, token_hash).await {
                Ok(Some(before)) => {
                    let is_pending = before.pending || before.session_id != device.session;
                    let device = Device { created_at: moment(before.created_at), ..device.clone() };
                    return Ok(Registered { device, is_new: false, is_pending });
                }
                Ok(None) => {
                    self.trim(causal, device.user).await?;
                    return Ok(Registered { device: device.clone(), is_new: true, is_pending: true });
                }
                // Another request registered the token or the same device meanwhile.
                Err(error) if is_duplicate_key(&error) => {}
                Err(error) => return Err(store_fault(error)),
            }
        }
        Err(Fault::unavailable("a token was registered by others each time"))
    }

    /// Shows a device whose session goes on, unless another one has registered it since.
    pub async fn confirm(self, device: &Device) -> Result<(), Fault> {
        let this = doc! { "_id": id(device), "session_id": &device.session.0 };
        self.collection().update_one(this, doc! { "$unset": { "pending": "" } }).await.map_err(store_fault)?;
        Ok(())
    }

    /// Notes that a device is still there, if it has the same token. It is pending if its session is another one.
    async fn renew(
        self,
        Causal(causal): &mut Causal,
        device: &Device,
        token_hash: &str,
    ) -> Result<Option<Registered>, Fault> {
        let same = doc! { "_id": id(device), "token_hash": token_hash };
        let (devices, change) = (self.collection(), vec![doc! { "$set": pending_of(device, fields(device)) }]);
        let renewed = devices.find_one_and_update(same, change).return_document(ReturnDocument::After).session(causal);
        let row = renewed.await.map_err(store_fault)?;
        Ok(row.and_then(|row| {
            let is_pending = row.pending;
            row.device().map(|device| Registered { device, is_new: false, is_pending })
        }))
    }

    async fn take_from_others(
        self,
        Causal(causal): &mut Causal,
        device: &Device,
        token_hash: &str,
    ) -> Result<(), Fault> {
        let others = doc! { "token_hash": token_hash, "_id": { "$ne": id(device) } };
        self.collection().delete_many(others).session(causal).await.map_err(store_fault)?;
        Ok(())
    }

    /// Writes a device whole, and answers what there was.
    async fn write(
        self,
        Causal(causal): &mut Causal,
        device: &Device,
        token_hash: &str,
    ) -> mongodb::error::Result<Option<Before>> {
        let mut whole = fields(device);
        whole.extend(doc! { "token_hash": token_hash, "last_push_at": null, "last_error": null });
        let mut change = pending_of(device, whole);
        change.insert("created_at", doc! { "$ifNull": ["$created_at", date(device.created_at)] });
        let devices = self.0.collection::<Before>(DEVICES);
        let before = devices
            .find_one_and_update(doc! { "_id": id(device) }, vec![doc! { "$set": change }])
            .upsert(true)
            .projection(doc! { "_id": 0, "created_at": 1, "session_id": 1, "pending": 1 });
        before.session(causal).await
    }

    /// Removes those of a person's devices that are too many. Each of many registrations at once does so after its own write, so the
    /// last one leaves the newest of all.
    async fn trim(self, Causal(causal): &mut Causal, user: UserId) -> Result<(), Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            id: Bson,
            seen_at: DateTime,
        }
        let too_many: Vec<Row> = async {
            let devices = self.0.collection::<Row>(DEVICES);
            let oldest = devices
                .find(doc! { "_id.user": user.0 })
                .projection(doc! { "seen_at": 1 })
                .sort(doc! { "seen_at": -1, "_id": -1 })
                .skip(u64::try_from(MOST_DEVICES).unwrap_or(u64::MAX));
            let mut cursor = oldest.session(&mut *causal).await?;
            cursor.stream(&mut *causal).try_collect().await
        }
        .await
        .map_err(store_fault)?;
        if too_many.is_empty() {
            return Ok(());
        }
        // One that has registered again meanwhile is not among the oldest any more.
        let each = too_many.into_iter().map(|row| doc! { "_id": row.id, "seen_at": row.seen_at });
        let these = doc! { "$or": each.collect::<Vec<_>>() };
        self.collection().delete_many(these).session(causal).await.map_err(store_fault)?;
        Ok(())
    }

    /// One device of a person, as a majority knows it; `None` while it is pending.
    pub async fn find(self, user: UserId, installation: &Installation) -> Result<Option<Device>, Fault> {
        let this = doc! { "_id": id_of(user, installation), "pending": { "$ne": true } };
        let found = self.collection().find_one(this).await;
        Ok(found.map_err(store_fault)?.and_then(DeviceRow::device))
    }

    /// The devices of a person, the last seen one first.
    pub async fn list(self, user: UserId) -> Result<Vec<Device>, Fault> {
        let mut devices = self.list_of_people(&[user]).await?;
        devices.sort_by(|a, b| (b.seen_at, &b.installation).cmp(&(a.seen_at, &a.installation)));
        Ok(devices)
    }

    /// The devices of some people, as a majority knows them, without those pending.
    pub async fn list_of_people(self, users: &[UserId]) -> Result<Vec<Device>, Fault> {
        let ids: Vec<_> = users.iter().map(|user| user.0).collect();
        let theirs = doc! { "_id.user": { "$in": ids }, "pending": { "$ne": true } };
        // Registrations under way may have more for a moment.
        let batch = one_batch(users.len().saturating_mul(2 * MOST_DEVICES));
        let devices = self.collection();
        let rows: Vec<_> =
            async { devices.find(theirs).batch_size(batch).await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().filter_map(DeviceRow::device).collect())
    }

    /// The logins that a person's devices end with, including what was written before what the causal session has written.
    pub async fn list_sessions_in(
        self,
        Causal(causal): &mut Causal,
        user: UserId,
    ) -> Result<HashSet<SessionId>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            session_id: SessionId,
        }
        let rows: Vec<Row> = async {
            let devices = self.0.collection::<Row>(DEVICES);
            let sessions = devices.find(doc! { "_id.user": user.0 }).projection(doc! { "_id": 0, "session_id": 1 });
            let mut cursor = sessions.session(&mut *causal).await?;
            cursor.stream(causal).try_collect().await
        }
        .await
        .map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| row.session_id).collect())
    }

    /// Removes a device; one that is not there is removed already.
    pub async fn remove(self, user: UserId, installation: &Installation) -> Result<(), Fault> {
        self.collection().delete_one(doc! { "_id": id_of(user, installation) }).await.map_err(store_fault)?;
        Ok(())
    }

    /// Removes a device whose session has ended, unless another login has registered it since.
    pub async fn withdraw(self, device: &Device) -> Result<(), Fault> {
        let this = doc! { "_id": id(device), "session_id": &device.session.0 };
        self.collection().delete_one(this).await.map_err(store_fault)?;
        Ok(())
    }

    /// Removes the devices of some of a person's logins.
    pub async fn remove_of_sessions(self, user: UserId, sessions: &[SessionId]) -> Result<(), Fault> {
        if sessions.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = sessions.iter().map(|session| session.0.as_str()).collect();
        let these = doc! { "_id.user": user.0, "session_id": { "$in": ids } };
        self.collection().delete_many(these).await.map_err(store_fault)?;
        Ok(())
    }

    /// Removes the devices of some logins of any people.
    pub async fn remove_of_logins(self, logins: &[(UserId, SessionId)]) -> Result<(), Fault> {
        if logins.is_empty() {
            return Ok(());
        }
        let users: BTreeSet<_> = logins.iter().map(|(user, _)| user.0).collect();
        let sessions: Vec<_> = logins.iter().map(|(_, session)| session.0.as_str()).collect();
        let users: Vec<_> = users.into_iter().collect();
        let these = doc! { "_id.user": { "$in": users }, "session_id": { "$in": sessions } };
        self.collection().delete_many(these).await.map_err(store_fault)?;
        Ok(())
    }

    /// Removes every device of a person.
    pub async fn remove_of_person(self, user: UserId) -> Result<(), Fault> {
        self.collection().delete_many(doc! { "_id.user": user.0 }).await.map_err(store_fault)?;
        Ok(())
    }

    /// Removes a device whose token its platform rejects, unless it has another token now or was registered again after `until`.
    pub async fn remove_unregistered(self, device: &Device, until: Timestamp) -> Result<(), Fault> {
        let mut this = unchanged(device);
        this.insert("seen_at", doc! { "$lte": date(until) });
        self.collection().delete_one(this).await.map_err(store_fault)?;
        Ok(())
    }

    /// Notes for some devices that their platforms accepted a notification, or why not. Losing the note is harmless.
    pub async fn note_pushes(self, devices: &[&Device], at: Timestamp, error: Option<&str>) -> Result<(), Fault> {
        if devices.is_empty() {
            return Ok(());
        }
        let note = match error {
            None => doc! { "last_push_at": date(at), "last_error": null },
            Some(error) => doc! { "last_error": error },
        };
        let these = doc! { "$or": devices.iter().copied().map(unchanged).collect::<Vec<_>>() };
        let noted = self.collection().update_many(these, doc! { "$set": note }).write_concern(w1()).await;
        noted.map_err(store_fault)?;
        Ok(())
    }
}

impl DeviceRow {
    /// The device; none for a row that no version of this code wrote.
    fn device(self) -> Option<Device> {
        let address = match self.platform {
            Platform::Fcm => Address::Fcm(self.token?),
            Platform::Apns => Address::Apns(self.token?, self.environment.unwrap_or_default()),
            Platform::Webpush => Address::Webpush(Subscription {
                endpoint: self.endpoint?,
                p256dh: self.p256dh?.bytes,
                auth: self.auth?.bytes,
            }),
        };
        Some(Device {
            user: self.id.user,
            installation: self.id.installation,
            session: self.session_id,
            address,
            locale: self.locale,
            // Zones are renamed now and then.
            time_zone: self.time_zone.and_then(|name| TimeZone::parse(&name).ok()),
            app_version: self.app_version,
            created_at: moment(self.created_at),
            seen_at: moment(self.seen_at),
            last_push_at: self.last_push_at.map(moment),
            last_error: self.last_error,
        })
    }
}

fn id(device: &Device) -> Document {
    id_of(device.user, &device.installation)
}

fn id_of(user: UserId, installation: &Installation) -> Document {
    doc! { "user": user.0, "installation": installation.as_str() }
}

/// A device that still has the same token.
fn unchanged(device: &Device) -> Document {
    let field = if device.address.platform() == Platform::Webpush { "endpoint" } else { "token" };
    doc! { "_id": id(device), field: device.address.token() }
}

/// What a registration sets. What is pending stays so, and what has another session or none becomes so.
fn pending_of(device: &Device, fields: Document) -> Document {
    let mut change: Document =
        fields.into_iter().map(|(field, value)| (field, doc! { "$literal": value }.into())).collect();
    change.insert("pending", doc! { "$or": ["$pending", { "$ne": ["$session_id", &device.session.0] }] });
    change
}

/// What a registration writes each time.
fn fields(device: &Device) -> Document {
    let mut fields = doc! {
        "session_id": &device.session.0,
        "platform": device.address.platform().as_str(),
        "token": null, "environment": null, "endpoint": null, "p256dh": null, "auth": null,
        "locale": device.locale.as_str(),
        "time_zone": device.time_zone.as_ref().map(TimeZone::as_str),
        "app_version": device.app_version.as_deref(),
        "seen_at": date(device.seen_at),
    };
    match &device.address {
        Address::Fcm(token) => fields.extend(doc! { "token": token }),
        Address::Apns(token, host) => fields.extend(doc! { "token": token, "environment": host.as_str() }),
        Address::Webpush(Subscription { endpoint, p256dh, auth }) => {
            fields.extend(doc! { "endpoint": endpoint, "p256dh": binary(p256dh), "auth": binary(auth) });
        }
    }
    fields
}

fn binary(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

fn moment(at: DateTime) -> Timestamp {
    Timestamp::from_millis(at.timestamp_millis())
}
