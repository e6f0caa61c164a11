use crate::run::Run;
use domain::{
    Fault, Message, RoomKey, Seq, Timestamp, UserId,
    notification::{Decision, Device, NotificationSettings, Recipient, RoomSettings, TimeZone, decide},
};
use futures_util::future::{try_join, try_join3};
use mongo::{NamedPerson, NamedRoom, ReadState};
use std::collections::HashMap;

/// The people of a room who have devices, and whoever wrote there, as they are now.
pub(crate) struct Audience {
    pub(crate) room: RoomKey,
    /// What a group is called.
    pub(crate) name: Option<String>,
    /// How many people are in the room.
    pub(crate) size: usize,
    pub(crate) listeners: Vec<Listener>,
    people: HashMap<UserId, NamedPerson>,
    /// When the first of it was read.
    pub(crate) read_at: Timestamp,
}

/// Somebody with devices.
pub(crate) struct Listener {
    pub(crate) user: UserId,
    pub(crate) devices: Vec<Device>,
    pub(crate) settings: NotificationSettings,
    /// How far they have read the room; `None` where the store knows nothing.
    pub(crate) state: Option<ReadState>,
    is_member: bool,
    active_until: Option<Timestamp>,
}

impl Listener {
    /// The newest message of the room that they were notified of.
    pub(crate) fn notified(&self) -> Seq {
        self.state.as_ref().map_or(Seq(0), |state| state.notified)
    }
}

impl Audience {
    /// Reads those of some people who have devices, and the authors of what they may be told. The room was read after that moment.
    pub(crate) async fn read(
        run: &Run<'_>,
        room: RoomKey,
        (named, read_at): (NamedRoom, Timestamp),
        users: &[UserId],
        authors: &[UserId],
    ) -> Result<Self, Fault> {
        let (mongo, now) = (&run.app.mongo, run.now());
        let (devices, connections) =
            try_join(mongo.devices().list_of_people(users), mongo.connections().list_of_people(users, now)).await?;
        let mut of: HashMap<UserId, Vec<Device>> = HashMap::new();
        for device in devices {
            of.entry(device.user).or_default().push(device);
        }
        let NamedRoom { name, members } = named;
        let mut audience =
            Self { room, name, size: members.len(), listeners: Vec::new(), people: HashMap::new(), read_at };
        let mut reached: Vec<_> = of.keys().copied().collect();
        reached.sort_unstable();
        let (Some(first), Some(last)) = (reached.first().copied(), reached.last().copied()) else {
            return Ok(audience);
        };
        let known = [&reached[..], authors].concat();
        let (states, people, mut settings) = try_join3(
            mongo.read_states().list(room, first..=last),
            mongo.people().list_named(&known, authors),
            mongo.notifications().list(&reached),
        )
        .await?;
        audience.people = people.into_iter().map(|person| (person.id, person)).collect();
        let mut states: HashMap<_, _> = states.into_iter().map(|state| (state.user, state)).collect();
        let mut active: HashMap<UserId, Timestamp> = HashMap::new();
        for connection in connections {
            let until = active.entry(connection.user).or_insert(connection.active_until);
            *until = connection.active_until.max(*until);
        }
        audience.listeners = reached
            .into_iter()
            .map(|user| Listener {
                user,
                devices: of.remove(&user).unwrap_or_default(),
                settings: settings.remove(&user).unwrap_or_default(),
                state: states.remove(&user),
                is_member: members.contains(&user),
                active_until: active.remove(&user),
            })
            .collect();
        Ok(audience)
    }

    /// What others see of somebody's name.
    pub(crate) fn name_of(&self, user: UserId) -> Option<&str> {
        self.people.get(&user).map(NamedPerson::name)
    }

    pub(crate) fn listener(&self, user: UserId) -> Option<&Listener> {
        self.listeners.iter().find(|listener| listener.user == user)
    }

    /// What becomes of a message for one of them, who was looked at so many times before.
    pub(crate) fn decide(&self, message: &Message, listener: &Listener, looks: u32, now: Timestamp) -> Decision {
        let notified_at = listener.state.as_ref().and_then(|state| state.notified_at);
        self.decide_as(message, listener, (listener.notified(), notified_at), looks, now)
    }

    /// The same of a message that they were notified of already on other devices.
    pub(crate) fn decide_anew(&self, message: &Message, listener: &Listener, now: Timestamp) -> Decision {
        self.decide_as(message, listener, (Seq(0), None), 1, now)
    }

    fn decide_as(
        &self,
        message: &Message,
        listener: &Listener,
        (notified, notified_at): (Seq, Option<Timestamp>),
        looks: u32,
        now: Timestamp,
    ) -> Decision {
        let person = self.people.get(&listener.user);
        let (everywhere, state) = (RoomSettings::default(), listener.state.as_ref());
        let zones: Vec<Option<TimeZone>> = listener.devices.iter().map(|device| device.time_zone.clone()).collect();
        let recipient = Recipient {
            user: listener.user,
            is_member: listener.is_member,
            is_active: person.is_some_and(|person| person.is_active),
            has_blocked_author: person.is_some_and(|person| person.blocked.contains(&message.user)),
            read: state.map_or(Seq(0), |state| state.read),
            notified,
            notified_at,
            active_until: listener.active_until,
            settings: &listener.settings,
            room: state.map_or(&everywhere, |state| &state.settings),
            zones: &zones,
        };
        decide(message, self.size, &recipient, looks, now)
    }
}
