//! The rules of the protocol, each of which can be taken away.

use clap::ValueEnum;

use crate::{
    Promise, Run, Scenario, creation, deliveries, events, gate,
    messages::{Settings, Watch},
    recipients,
    runs::{CREATE_A, CREATE_B, CREATE_C, EDIT, REACT},
};

/// A rule of the protocol. Its name is what `--without` takes, its documentation is what `--rules` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Rule {
    /// The reservation asks for the caller's rights in its filter; without: they are read before.
    RightsInReserveFilter,
    /// A reservation counts when its majority is certain: a release that finds no entry is followed by a stamp.
    ReleaseMustCount,
    /// A release names the attempt, not the `rev`.
    ReleaseByOp,
    /// Messages and changes are written with a majority.
    WritesWithMajority,
    /// `(room, client_id)` is unique.
    UniqueClientId,
    /// `(room, seq)` is unique.
    UniqueSeq,
    /// `(room, rev)` is unique.
    UniqueRev,
    /// `(room, rev)` is unique for stamps too, not only for inserts.
    UniqueRevAtStamps,
    /// A change is written only where the row has a lower `rev`.
    ChangeGuardedByRev,
    /// A stamp raises the room's `seq` to that of its row.
    StampLiftsSeq,
    /// The writer of a new message whose release did not count withdraws it if the room gave out a higher `seq`; without: it stamps.
    PassedMessageWithdrawn,
    /// A retry that finds its row pending stamps it before it is acknowledged.
    RetryStampsPendingRow,
    /// The writer of a new message stamps it with the rights in the filter.
    RightsAtStamp,
    /// Without rights at the stamp, the writer of a new message withdraws it; without: it only refuses.
    RefusedMessageWithdrawn,
    /// A message is withdrawn only where its row has the `rev` that its writer wrote last.
    WithdrawGuardedByRev,
    /// That `rev` is one that the writer itself wrote, upon nobody else's: a row that somebody else has moved is not
    /// withdrawn, although its writer found or stamped it afterwards.
    WithdrawOnlyOwnRevs,
    /// A withdrawn message gives its `client_id` back.
    WithdrawnClientIdIsFree,
    /// A retry stamps with the rights in the filter.
    RightsAtRetryStamp,
    /// A retry without rights touches nothing; without: it withdraws the row that it found.
    RefusedRetryTouchesNothing,
    /// A duplicate is answered to members only.
    DuplicateNeedsRights,
    /// Edits and deletions, which can't be withdrawn, reserve with a majority, and stamp without rights.
    EditsReserveWithMajority,
    /// The sweeper stamps without rights; without: it withdraws rows whose author has none.
    SweeperStampsWithoutRights,
    /// A kick is answered when a majority has it.
    KickAnsweredByMajority,
    /// A page of `sync` stops below the lowest entry in flight.
    ReadersStopBelowEntries,
    /// Entries older than 5 s are removed.
    StaleEntriesExpire,
    /// Only a write removes an old entry; without: readers pass over it.
    OnlyWritesExpireEntries,
    /// Head and rows are read in one snapshot; without: head, then rows.
    OneSnapshot,
    /// The head is not read after the rows.
    HeadBeforeRows,
    /// The cursor of a cut page is its last row; without: the head.
    CutPageEndsAtLastRow,
    /// A push moves a reader's cursor by one or not at all.
    PushMovesCursorByOne,
    /// The note of a failed push is written only where the row has the pushed `rev`.
    NoteGuardedByRev,
    /// The note of a delivery is cleared only where the row has the pushed `rev`.
    ClearGuardedByRev,
    /// The note of a delivery is cleared only when every push went through.
    ClearOnlyWhenAllPushed,
    /// The sweeper keeps the number of its tries.
    TriesCarriedOver,
    /// A new change of a message starts the tries again.
    NewChangeCountsAnew,
    /// Recipients are the members in the image of the reservation; without: read beside the release, in no session.
    RecipientsFromReservation,
    /// After a stamp the recipients are taken anew.
    RecipientsAnewAfterStamp,
    /// The gate does not expire before the last session that ended.
    GateKeepsEndedSessions,
    /// `$connect` stores its row, then reads the gate.
    ConnectStoresThenChecks,
    /// A logout ends the session, then closes its sockets.
    LogoutEndsThenCloses,
    /// A projection sets the rights only, never the numbers; without: it replaces the room.
    ProjectionSetsRightsOnly,
    /// A projection changes only rooms of an older version.
    ProjectionGuardedByVersion,
    /// A change of a group is placed as a system message only behind those before it.
    EventsPlacedInOrder,
    /// Whoever finds a system message of another request that is not released stamps it before it goes on.
    FoundEventSettledFirst,
    /// A change is forgotten only when its system message is placed.
    EventsForgottenWhenPlaced,
}

impl Rule {
    /// Every rule.
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// The rule as the command line has it.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// What the rule says.
    pub fn text(self) -> String {
        let help = self.to_possible_value().and_then(|value| value.get_help().map(ToString::to_string));
        help.unwrap_or_default()
    }

    /// The promise that is broken without this rule, and a small world that shows it.
    pub fn counterexample(self) -> Run {
        let (promise, scenario) = self.broken();
        Run::breaking(format!("without/{}", self.name()), promise, scenario)
    }

    #[expect(clippy::too_many_lines, reason = "one world for each rule")]
    fn broken(self) -> (Promise, Scenario) {
        let without = Rules::only(self);
        let messages = |promise, settings: Settings| (promise, Scenario::Messages(Settings { without, ..settings }));
        let deliveries = |promise, fails| {
            let settings = deliveries::Settings { without, fails, ..deliveries::Settings::default() };
            (promise, Scenario::Deliveries(settings))
        };
        let gate = |promise| (promise, Scenario::Gate(gate::Settings { without, ..gate::Settings::default() }));
        let creation = |promise| (promise, Scenario::Creation(creation::Settings { without }));
        let events = |promise| (promise, Scenario::Events(events::Settings { without, ..events::Settings::default() }));
        match self {
            Self::RightsInReserveFilter => messages(Promise::RightsEnd, KICKED_SEND),
            Self::ReleaseByOp => {
                // The unique key hides it in a world as small as this.
                let settings = Settings {
                    without: without.with(Self::UniqueRev),
                    failover: 2,
                    ..Settings::of(&[CREATE_A, CREATE_B])
                };
                (Promise::NothingMissed, Scenario::Messages(settings))
            }
            Self::WritesWithMajority => {
                messages(Promise::NothingLost, Settings { failover: 1, ..Settings::of(&[CREATE_A]) })
            }
            Self::UniqueClientId => messages(Promise::RetryIsSame, Settings::of(&[CREATE_A, CREATE_A])),
            Self::UniqueSeq => {
                let changes = &[CREATE_A, CREATE_B, EDIT];
                messages(Promise::OneOrder, Settings { failover: 1, clients: 0, ..Settings::of(changes) })
            }
            Self::UniqueRev | Self::UniqueRevAtStamps => messages(
                Promise::NothingMissed,
                Settings { page: 1, failover: 1, ..Settings::of(&[CREATE_A, CREATE_B]) },
            ),
            Self::ChangeGuardedByRev => messages(Promise::NothingMissed, Settings::of(&[EDIT, REACT])),
            Self::StampLiftsSeq => {
                let changes = &[CREATE_A, CREATE_B, CREATE_C];
                messages(Promise::OneOrder, Settings { failover: 1, clients: 0, ..Settings::of(changes) })
            }
            Self::PassedMessageWithdrawn => {
                let changes = &[CREATE_A, CREATE_B, CREATE_C];
                let settings = Settings { failover: 1, deposed: true, clients: 0, ..Settings::of(changes) };
                messages(Promise::OneOrder, settings)
            }
            Self::RetryStampsPendingRow => messages(
                Promise::NothingMissed,
                Settings { crash: 1, sweeper: false, late_writer: true, ..Settings::of(&[CREATE_A, CREATE_A]) },
            ),
            Self::RightsAtStamp => messages(Promise::RightsEnd, Settings { failover: 1, deposed: true, ..KICKED_SEND }),
            Self::RefusedMessageWithdrawn => messages(
                Promise::RightsEnd,
                Settings { watch: Watch::Visible, failover: 1, deposed: true, ..KICKED_SEND },
            ),
            Self::WithdrawGuardedByRev => {
                messages(Promise::NothingLost, Settings { late_writer: true, ..KICKED_RETRY })
            }
            Self::WithdrawOnlyOwnRevs => {
                messages(Promise::NothingLost, Settings { late_writer: true, drops: 2, clients: 0, ..KICKED_RETRY })
            }
            Self::WithdrawnClientIdIsFree => {
                messages(Promise::RetryIsSame, Settings { unknown: 1, failover: 1, clients: 0, ..KICKED_RETRY })
            }
            Self::DuplicateNeedsRights => messages(
                Promise::RightsEnd,
                Settings { crash: 1, sweeps: 1, failover: 1, deposed: true, clients: 0, ..KICKED_RETRY },
            ),
            Self::RightsAtRetryStamp => messages(
                Promise::RightsEnd,
                Settings { crash: 1, failover: 1, deposed: true, clients: 0, ..KICKED_RETRY },
            ),
            Self::RefusedRetryTouchesNothing => messages(Promise::NothingLost, Settings { clients: 0, ..KICKED_RETRY }),
            Self::EditsReserveWithMajority => messages(
                Promise::RightsEnd,
                Settings { kicked: &[0], watch: Watch::Visible, failover: 1, deposed: true, ..Settings::of(&[EDIT]) },
            ),
            Self::SweeperStampsWithoutRights => messages(Promise::NothingLost, Settings { crash: 1, ..KICKED_SEND }),
            Self::KickAnsweredByMajority => messages(Promise::RightsEnd, Settings { failover: 1, ..KICKED_SEND }),
            Self::ReadersStopBelowEntries | Self::HeadBeforeRows | Self::PushMovesCursorByOne => {
                messages(Promise::NothingMissed, Settings::of(&[CREATE_A, EDIT]))
            }
            Self::StaleEntriesExpire => {
                messages(Promise::NothingMissed, Settings { crash: 1, ..Settings::of(&[CREATE_A, EDIT]) })
            }
            Self::ReleaseMustCount | Self::OnlyWritesExpireEntries => {
                messages(Promise::NothingMissed, Settings { late_writer: true, ..Settings::of(&[CREATE_A, EDIT]) })
            }
            Self::OneSnapshot => {
                messages(Promise::NothingMissed, Settings { failover: 1, lag: true, ..Settings::of(&[CREATE_A, EDIT]) })
            }
            Self::CutPageEndsAtLastRow => {
                messages(Promise::NothingMissed, Settings { page: 1, ..Settings::of(&[CREATE_A, EDIT]) })
            }
            Self::NoteGuardedByRev => messages(
                Promise::NothingMissed,
                Settings { fails: 1, crash: 1, late_writer: true, ..Settings::of(&[EDIT, REACT]) },
            ),
            Self::ClearGuardedByRev | Self::ClearOnlyWhenAllPushed => deliveries(Promise::NothingMissed, 2),
            Self::NewChangeCountsAnew => deliveries(Promise::NothingMissed, 3),
            Self::TriesCarriedOver => deliveries(Promise::TriesEnd, 2),
            Self::RecipientsFromReservation => {
                let settings = recipients::Settings { without, failover: 1, ..recipients::Settings::default() };
                (Promise::RightsEnd, Scenario::Recipients(settings))
            }
            Self::RecipientsAnewAfterStamp => {
                let deposed = recipients::Settings { deposed: true, ..recipients::Settings::default() };
                (Promise::RightsEnd, Scenario::Recipients(recipients::Settings { without, failover: 1, ..deposed }))
            }
            Self::GateKeepsEndedSessions | Self::ConnectStoresThenChecks | Self::LogoutEndsThenCloses => {
                gate(Promise::RightsEnd)
            }
            Self::ProjectionSetsRightsOnly => creation(Promise::NothingMissed),
            Self::ProjectionGuardedByVersion => creation(Promise::RightsEnd),
            Self::EventsPlacedInOrder | Self::FoundEventSettledFirst => events(Promise::OneOrder),
            Self::EventsForgottenWhenPlaced => events(Promise::NothingLost),
        }
    }
}

/// The rules that are taken away in a world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules(u64);

impl Rules {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn only(rule: Rule) -> Self {
        Self(1 << rule as u32)
    }

    pub(crate) const fn with(self, rule: Rule) -> Self {
        Self(self.0 | Self::only(rule).0)
    }

    pub(crate) const fn contains(self, rule: Rule) -> bool {
        self.0 & Self::only(rule).0 != 0
    }
}

/// K sends, and is kicked.
const KICKED_SEND: Settings = Settings { kicked: &[0], ..Settings::of(&[CREATE_A]) };

/// K sends and sends again, and is kicked.
const KICKED_RETRY: Settings = Settings { kicked: &[0, 1], ..Settings::of(&[CREATE_A, CREATE_A]) };
