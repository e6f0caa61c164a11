use crate::Fault;
use std::{error::Error, iter::successors};
use tracing::{debug, error, info, warn};

impl Fault {
    /// Logs the code and every cause at the level of the code. Call it once, where the fault is answered. `action` completes
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

    /// The chain of causes in one line, the outermost first.
    fn causes(&self) -> Option<String> {
        let first: &(dyn Error + 'static) = self.source.as_deref()?;
        let causes = successors(Some(first), |cause| <dyn Error>::source(*cause));
        Some(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
    }
}

/// For calls whose failure has no consequence.
pub trait OrLog<T> {
    /// The value; on failure `None` and a warning "Could not `action`".
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
    fn causes_are_logged_from_the_outermost_to_the_first() {
        #[derive(Debug, thiserror::Error)]
        #[error("the pool is empty")]
        struct Outer(#[source] io::Error);

        let fault = Fault::unavailable(Outer(io::Error::other("connection refused")));

        assert_eq!(fault.causes().as_deref(), Some("the pool is empty: connection refused"));
        assert_eq!(Fault::from(Code::RoomNotFound).causes(), None);
    }

    #[test]
    fn or_log_passes_values_only() {
        assert_eq!(Ok(1).or_log("count"), Some(1));
        assert_eq!(Err::<u8, _>(Fault::internal("no")).or_log("count"), None);
    }
}
