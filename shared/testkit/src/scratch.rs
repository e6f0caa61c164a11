use std::{
    error::Error,
    future::Future,
    hash::{BuildHasher as _, Hasher as _, RandomState},
};

/// A name that no other test's database has.
pub(crate) fn random_name() -> String {
    format!("test_{:016x}", RandomState::new().build_hasher().finish())
}

/// Runs what a `Drop` can't await on a runtime of its own. Best effort: the servers are thrown away after the tests.
pub(crate) fn drop_later(work: impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send + 'static) {
    let dropper = std::thread::spawn(move || {
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            let _ = runtime.block_on(work);
        }
    });
    let _ = dropper.join();
}
