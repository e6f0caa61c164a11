//! What the product promises, and how a promise is found broken.

use std::fmt;

/// A promise of the message path, as `path.md` numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Promise {
    /// P1: no acknowledged message is lost.
    NothingLost,
    /// P2: one total order per room; a later send has the higher `seq`.
    OneOrder,
    /// P3: everything acknowledged is delivered, and complete after a catch-up.
    NothingMissed,
    /// P4: a retried send is the same message.
    RetryIsSame,
    /// P5: what begins after a kick, a block or a logout was answered is refused.
    RightsEnd,
    /// A failed push is repeated a bounded number of times.
    TriesEnd,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingLost => "P1",
            Self::OneOrder => "P2",
            Self::NothingMissed => "P3",
            Self::RetryIsSame => "P4",
            Self::RightsEnd => "P5",
            Self::TriesEnd => "bounded tries",
        })
    }
}

/// A promise that does not hold, and what shows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Violation {
    /// The promise that is broken.
    pub promise: Promise,
    /// What happened, in words.
    pub what: String,
}

impl Violation {
    pub(crate) fn new(promise: Promise, what: impl Into<String>) -> Self {
        Self { promise, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.what)
    }
}
