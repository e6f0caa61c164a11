use domain::are_credentials_stale;
use futures_util::{FutureExt as _, future::Map};
use std::{
    process,
    task::{Context, Poll},
};
use tower::{Layer, Service};

/// Goes around `lambda_runtime::Runtime`, as its outermost layer. It ends the environment after an answer if a store has refused the
/// credentials that init read, so that the next init reads the new ones. Work after the answer ends with it, as when an environment dies.
#[derive(Debug, Clone, Copy)]
pub struct EndWhenStale;

/// The runtime's service, with a look at the credentials after each answer.
#[derive(Debug, Clone)]
pub struct Ending<S>(S);

impl<S> Layer<S> for EndWhenStale {
    type Service = Ending<S>;

    fn layer(&self, inner: S) -> Ending<S> {
        Ending(inner)
    }
}

impl<S: Service<R>, R> Service<R> for Ending<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Map<S::Future, fn(<S::Future as Future>::Output) -> <S::Future as Future>::Output>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, invocation: R) -> Self::Future {
        // The runtime's own service ends when Lambda has the answer.
        self.0.call(invocation).map(end_if_stale)
    }
}

fn end_if_stale<T>(answered: T) -> T {
    if are_credentials_stale() {
        tracing::warn!("Ends since a store refused the credentials, to read them again");
        process::exit(0);
    }
    answered
}
