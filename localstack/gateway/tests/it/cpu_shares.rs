use gateway::{CpuShares, Limits};
use serde_json::json;

use crate::Local;

/// The processor time that the function uses; with 128 MB that takes 2 s.
const WORK_MS: f64 = 150.0;

#[tokio::test]
async fn invocation_runs_under_its_functions_share_and_the_init_does_not() {
    let shares = match CpuShares::probe() {
        Ok(shares) => shares,
        Err(reason) => return println!("NOT CHECKED: {reason:#}"),
    };
    let local = Local::configured(Limits::default(), Some(shares)).await;

    local.gateway.invoke("spinner", json!({"do": "spin", "ms": 150})).await.unwrap();
    local.gateway.invoke("spinner", json!({"do": "spin", "ms": 150})).await.unwrap();

    let records = local.gateway.records();
    for record in &records {
        assert!(record.duration_ms > 5.0 * WORK_MS, "0.072 of a core: {record:?}");
    }
    let init = records[0].init_ms.unwrap();
    assert!((WORK_MS..8.0 * WORK_MS).contains(&init), "it uses the same time at full speed: {init}");
    local.gateway.stop().await;
}

#[tokio::test]
async fn invocation_has_a_whole_core_without_shares() {
    let local = Local::start().await;

    local.gateway.invoke("spinner", json!({"do": "spin", "ms": 150})).await.unwrap();

    let duration = local.gateway.records()[0].duration_ms;
    assert!(duration < 8.0 * WORK_MS, "{duration}");
    local.gateway.stop().await;
}
