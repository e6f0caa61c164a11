use crate::{Background, Work};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower::{Layer, Service};

/// Hands each invocation's work over when it has ended; see `Background::layer`.
#[derive(Clone, Debug)]
pub struct BackgroundLayer(pub(crate) Background);

/// The runtime's service, with a hand-over after each response.
#[derive(Clone, Debug)]
pub struct AfterResponse<S> {
    inner: S,
    background: Background,
}

/// One invocation: the handler, the response, then the hand-over.
pub struct Invocation<F: Future> {
    inner: Pin<Box<F>>,
    background: Background,
    ended: Option<F::Output>,
    left: Option<Work>,
}

impl<S> Layer<S> for BackgroundLayer {
    type Service = AfterResponse<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AfterResponse { inner, background: self.0.clone() }
    }
}

impl<S: Service<R>, R> Service<R> for AfterResponse<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Invocation<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, invocation: R) -> Self::Future {
        let inner = Box::pin(self.inner.call(invocation));
        Invocation { inner, background: self.background.clone(), ended: None, left: None }
    }
}

// Only the box is ever pinned.
impl<F: Future> Unpin for Invocation<F> {}

impl<F: Future> Future for Invocation<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        if self.ended.is_none() {
            // The runtime's own service turns failures and panics of the handler into a response, and ends when it was sent.
            self.ended = Some(ready!(self.inner.as_mut().poll(context)));
            self.left = self.background.hand_over();
        }
        if let Some(work) = &mut self.left {
            ready!(work.as_mut().poll(context));
            self.left = None;
        }
        match self.ended.take() {
            Some(ended) => Poll::Ready(ended),
            None => Poll::Pending,
        }
    }
}

impl<F: Future> std::fmt::Debug for Invocation<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invocation").finish_non_exhaustive()
    }
}
