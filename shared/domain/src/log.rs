use crate::Fault;
use std::{error::Error, iter::successors};
use tracing::{debug, error, info, warn};

impl Fault {
    /// Logs it, once, where it is answered: the code and every cause, at the level that the code deserves. `action` completes
    /// "Could not ...".
    pub fn log(&self, action: &str) {
        let code = self.code.as_str();
        match (self.code.status(), self.causes()) {
            (503, Some(causes)) => warn!(code, "Could not {action}: {causes}"),
            (500.., Some(causes)) => error!(code, "Could not {action}: {causes}"),
            (500.., None) => error!(code, "Could not {action}"),
            (_, Some(causes)) => info!(code, "Refused to {action}: {causes}"),
            (_, None) => debug!(code, "Refused to {action}"),
        }
    }

    /// What it came from, and what that came from, in one line.
    fn causes(&self) -> Option<String> {
        let first: &(dyn Error + 'static) = self.source.as_deref()?;
        let causes = successors(Some(first), |cause| <dyn Error>::source(*cause));
        Some(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
    }
}

/// For calls that may fail without consequence.
pub trait OrLog<T> {
    /// The value, or a warning that it could not `action`.
    fn or_log(self, action: &str) -> Option<T>;
}

impl<T> OrLog<T> for Result<T, Fault> {
    fn or_log(self, action: &str) -> Option<T> {
        let log = |fault: &Fault| {
            warn!(code = fault.code.as_str(), "Could not {action}: {}", fault.causes().unwrap_or_default());
        };
        self.inspect_err(log).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;
    use std::io;

    #[test]
    fn causes_are_told_from_the_outermost_to_the_first() {
        #[derive(Debug, thiserror::Error)]
        #[error("the pool is empty")]
        struct Outer(#[source] io::Error);

        let fault = Fault::unavailable(Outer(io::Error::other("connection refused")));

        assert_eq!(fault.causes().as_deref(), Some("the pool is empty: connection refused"));
        assert_eq!(Fault::from(Code::RoomNotFound).causes(), None);
    }

    #[test]
    fn only_values_pass_or_log() {
        assert_eq!(Ok(1).or_log("count"), Some(1));
        assert_eq!(Err::<u8, _>(Fault::internal("no")).or_log("count"), None);
    }
}
