use strum::{EnumString, IntoStaticStr};

/// What is done after an account was deleted, in this order. Each step may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr)]
#[cfg_attr(test, derive(strum::EnumIter))]
#[strum(serialize_all = "snake_case")]
pub enum DeletionStep {
    /// No request of the person is let in any more.
    Sessions,
    /// Friendships, requests and the person's own blocks end.
    Relations,
    /// The person leaves their groups, and what they own gets another owner.
    Groups,
    /// Their messages become tombstones.
    Messages,
    /// Their reactions to messages of others go.
    Reactions,
    /// What rooms of two people remember of the person goes.
    Traces,
    /// What groups remember of the person goes.
    GroupTraces,
}

impl DeletionStep {
    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator as _;

    #[test]
    fn step_reads_back() {
        for step in DeletionStep::iter() {
            assert_eq!(step.as_str().parse(), Ok(step));
        }
    }
}
