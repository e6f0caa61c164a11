use std::sync::atomic::{AtomicU64, Ordering};

/// The target of events that are metrics: fields in CamelCase are metrics (numbers) and dimensions (texts), those in `snake_case`
/// only stand beside them. A metric whose name ends with `Seconds` or `Ms` is a time, any other one a count.
pub const METRICS: &str = "metrics";

static GATEWAY_MESSAGES: AtomicU64 = AtomicU64::new(0);
static STORE_OPERATIONS: AtomicU64 = AtomicU64::new(0);

/// What an invocation used that is paid for beside its time. A process serves one invocation at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Requests and frames that came in, and frames that went out.
    pub gateway_messages: u64,
    /// Statements and commands that stores were sent. They are counted at debug level only.
    pub store_operations: u64,
}

impl Usage {
    /// Begins to count for the next invocation.
    pub fn begin() {
        GATEWAY_MESSAGES.store(0, Ordering::Relaxed);
        STORE_OPERATIONS.store(0, Ordering::Relaxed);
    }

    /// What was used since the invocation began.
    pub fn now() -> Self {
        Self {
            gateway_messages: GATEWAY_MESSAGES.load(Ordering::Relaxed),
            store_operations: STORE_OPERATIONS.load(Ordering::Relaxed),
        }
    }

    /// Counts a request or a frame.
    pub fn count_gateway_message() {
        GATEWAY_MESSAGES.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a statement or a command.
    pub fn count_store_operation() {
        STORE_OPERATIONS.fetch_add(1, Ordering::Relaxed);
    }
}
