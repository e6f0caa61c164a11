//! Houses whose stores are behind lines.

use crate::line::Line;
use e2e::{Answer, House, journey_in, unlimited};
use stack::{Options, Source};
use std::time::Duration;
use tokio::time::timeout;
use url::Url;

/// The functions' own limit, after which a client would get API Gateway's answer and not ours.
pub(crate) const LIMIT: Duration = Duration::from_secs(15);

/// A house whose MySQL and MongoDB are behind lines that can be cut, where `relay` runs only when it is told to.
pub(crate) fn journey_with_lines(steps: impl AsyncFnOnce(&House, &Line, &Line)) -> Vec<String> {
    journey_with_lines_in(Options::for_test(), steps)
}

/// The same with these options, but for where the stores are.
pub(crate) fn journey_with_lines_in(options: Options, steps: impl AsyncFnOnce(&House, &Line, &Line)) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap_or_else(|error| unreachable!("{error}"));
    let (mysql_url, mysql) = runtime.block_on(behind_a_line("TEST_MYSQL_URL"));
    let (mut mongo_url, mongo) = runtime.block_on(behind_a_line("TEST_MONGO_URL"));
    // Otherwise the driver would go where the replica set says that it is.
    mongo_url.set_query(Some("directConnection=true"));
    let mut options = unlimited(options);
    options.source = Source::Running { mysql: mysql_url.into(), mongo: mongo_url.into() };
    options.limits.schedule = Some(Duration::from_hours(1));
    journey_in(options, async |house| steps(house, &mysql, &mongo).await)
}

async fn behind_a_line(variable: &str) -> (Url, Line) {
    let url = std::env::var(variable).unwrap_or_else(|_| unreachable!("{variable} is not set: run `cargo local test`"));
    let mut url: Url = url.parse().unwrap_or_else(|_| unreachable!("{variable} is no URL"));
    let (host, port) = (url.host_str().unwrap_or("127.0.0.1"), url.port().unwrap_or_default());
    let line = Line::to(format!("{host}:{port}")).await.unwrap_or_else(|error| unreachable!("{error}"));
    let moved = url.set_host(Some("127.0.0.1")).is_ok() && url.set_port(Some(line.address.port())).is_ok();
    assert!(moved, "{url}");
    (url, line)
}

/// Asks until the store is back for this request, as `Retry-After` invites to.
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

/// Has `relay` run until the stores are back for it.
pub(crate) async fn relayed(house: &House) -> serde_json::Value {
    let asking = async {
        loop {
            if let Ok(report) = house.relay().await {
                break report;
            }
        }
    };
    timeout(LIMIT, asking).await.unwrap_or_else(|_| unreachable!("the stores are not back in {LIMIT:?}"))
}
