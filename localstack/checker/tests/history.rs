//! The real stack keeps its promises while it is being broken, and the checker sees when it does not. About a minute.

use checker::{Fault, FaultPlan, Options, play, start, verify::Promise};
use mongodb::{Client, bson::Document};
use stack::Progress;

#[tokio::test]
async fn every_promise_is_kept_while_things_break() {
    let (stack, _folder) = start(None, None, &Progress::silent()).await.unwrap();
    let mut frames = 0;
    for (seed, seconds, faults) in [(1, 6, FaultPlan::none()), (2, 14, FaultPlan::all()), (3, 14, FaultPlan::all())] {
        let (mut files, mut links, mut alerts) = (0, 0, 0);
        // A busy machine plays little in one run.
        for seed in (seed..).step_by(10).take(6) {
            let report = play(&stack, Options { faults: faults.clone(), ..Options::new(seed, seconds) }).await.unwrap();
            println!("{report}");
            assert!(report.is_clean(), "{report}");
            files += report.counts.files;
            links += report.counts.links;
            alerts += report.counts.alerts;
            frames += report.faults["frames compared with the document"];
            if files > 0 && links > 0 && alerts > 0 {
                break;
            }
        }
        assert!(files > 0 && links > 0 && alerts > 0, "{files} files, {links} links, {alerts} notifications");
    }
    assert!(frames > 300, "{frames} frames");
    stack.stop().await;
}

/// Without its unique key, a `client_id` becomes two messages where an event arrives twice at once; a later retry finds the first.
#[tokio::test]
async fn a_lost_unique_key_is_detected() {
    let (stack, _folder) = start(None, None, &Progress::silent()).await.unwrap();
    let messages = Client::with_uri_str(stack.mongo_url()).await.unwrap().default_database().unwrap();
    messages.collection::<Document>("messages").drop_index("messages_client_id_key").await.unwrap();
    let faults = FaultPlan([Fault::Events, Fault::LoseAnswers].into());
    // A busy machine plays little in one run.
    let mut is_detected = false;
    for seed in 4..14 {
        let report = play(&stack, Options { faults: faults.clone(), ..Options::new(seed, 8) }).await.unwrap();
        is_detected = report.violations.iter().any(|found| found.promise == Promise::SameMessage);
        if is_detected {
            break;
        }
    }
    assert!(is_detected);
    stack.stop().await;
}
