use crate::Timestamp;
use std::fmt;

/// What this product shows a push service for a while.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderToken {
    /// The token.
    pub token: String,
    /// When it was issued.
    pub issued_at: Timestamp,
}

impl fmt::Debug for ProviderToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderToken").field("issued_at", &self.issued_at).finish_non_exhaustive()
    }
}
