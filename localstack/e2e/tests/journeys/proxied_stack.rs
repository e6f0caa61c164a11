//! Stacks whose stores are behind proxies.

use e2e::{Answer, TestStack, journey_in};
use stack::{Options, Source};
use std::time::Duration;
use testkit::proxy::Proxy;
use tokio::time::timeout;
use url::Url;

/// The functions' own deadline, after which API Gateway would answer.
pub(crate) const LIMIT: Duration = Duration::from_secs(15);

/// Runs a journey in a stack whose MySQL and MongoDB are behind proxies, and whose `relay` runs only on request.
pub(crate) fn journey_with_proxies(steps: impl AsyncFnOnce(&TestStack, &Proxy, &Proxy)) -> Vec<String> {
    journey_with_proxies_in(Options::for_test(), steps)
}

/// The same with these options.
pub(crate) fn journey_with_proxies_in(
    options: Options,
    steps: impl AsyncFnOnce(&TestStack, &Proxy, &Proxy),
) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap_or_else(|error| unreachable!("{error}"));
    let (mysql_url, mysql) = runtime.block_on(behind_a_proxy("TEST_MYSQL_URL"));
    let (mut mongo_url, mongo) = runtime.block_on(behind_a_proxy("TEST_MONGO_URL"));
    // Otherwise the driver would connect to the address that the replica set names.
    mongo_url.set_query(Some("directConnection=true"));
    let mut options = options.without_limits();
    options.source = Source::Running { mysql: mysql_url.into(), mongo: mongo_url.into() };
    options.limits.schedule = Some(Duration::from_hours(1));
    journey_in(options, async |stack| steps(stack, &mysql, &mongo).await)
}

async fn behind_a_proxy(variable: &str) -> (Url, Proxy) {
    let url = std::env::var(variable).unwrap_or_else(|_| unreachable!("{variable} is not set: run `cargo local test`"));
    let mut url: Url = url.parse().unwrap_or_else(|_| unreachable!("{variable} is no URL"));
    let (host, port) = (url.host_str().unwrap_or("127.0.0.1"), url.port().unwrap_or_default());
    let line = Proxy::to(format!("{host}:{port}")).await.unwrap_or_else(|error| unreachable!("{error}"));
    let moved = url.set_host(Some("127.0.0.1")).is_ok() && url.set_port(Some(line.address.port())).is_ok();
    assert!(moved, "{url}");
    (url, line)
}

/// Repeats a request until the store has recovered.
pub(crate) async fn recovered(request: impl AsyncFn() -> Answer) -> Answer {
    let asking = async {
        loop {
            let answer = request().await;
            if answer.status != 503 {
                break answer;
            }
        }
    };
    timeout(LIMIT, asking).await.unwrap_or_else(|_| unreachable!("the store is not back in {LIMIT:?}"))
}

/// Runs `relay` until the stores have recovered.
pub(crate) async fn relayed(stack: &TestStack) -> serde_json::Value {
    let asking = async {
        loop {
            if let Ok(report) = stack.relay().await
                && ["projections_failed", "deliveries_failed", "erasures_failed"].iter().all(|name| report[name] == 0)
            {
                break report;
            }
        }
    };
    timeout(LIMIT, asking).await.unwrap_or_else(|_| unreachable!("the stores are not back in {LIMIT:?}"))
}
