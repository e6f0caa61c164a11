//! The stand-ins as another process uses them.

use domain::notification::{Address, Subscription};
use push::Outcome;
use serde_json::{Value as Json, json};

use crate::scene::{FCM_TOKEN, Scene, android, bytes, device};

/// An HTTP client, which brings no cryptography of its own.
fn client() -> reqwest::Client {
    // A second call changes nothing.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::new()
}

async fn post(scene: &Scene, path: &str, body: &Json) -> (u16, Json) {
    let url = format!("{}{path}", scene.stand_ins.url());
    let answer = client().post(url).json(body).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

async fn records(scene: &Scene, after: usize) -> Vec<Json> {
    let url = format!("{}/records?after={after}", scene.stand_ins.url());
    let answer: Json = client().get(url).send().await.unwrap().json().await.unwrap();
    answer["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn another_process_plans_faults_and_reads_what_was_sent() {
    let scene = Scene::new().await;
    let fault = json!({"target": FCM_TOKEN, "times": 1, "fault": {"refuse": {"status": 404}}});

    assert_eq!(post(&scene, "/faults", &fault).await.0, 204);
    assert_eq!(scene.send(&android()).await, Outcome::DeviceGone);
    assert_eq!(scene.send(&android()).await, Outcome::Delivered);

    let all = records(&scene, 0).await;
    let told: Vec<_> = all.iter().map(|record| (&record["provider"], &record["status"])).collect();
    assert_eq!(told, [(&json!("token"), &json!(200)), (&json!("fcm"), &json!(404)), (&json!("fcm"), &json!(200))]);
    assert_eq!(records(&scene, 2).await, all[2..]);
    assert_eq!((&all[2]["number"], &all[2]["target"]), (&json!(3), &json!(FCM_TOKEN)));
    assert_eq!(all[2]["body"]["message"]["notification"]["body"], "내일 봐요");
}

#[tokio::test]
async fn browser_of_another_process_subscribes() {
    let scene = Scene::new().await;

    let (status, browser) = post(&scene, "/webpush", &json!({})).await;

    assert_eq!(status, 201);
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let (p256dh, auth) = (bytes(&text(&browser["keys"]["p256dh"])), bytes(&text(&browser["keys"]["auth"])));
    let subscription = Subscription { endpoint: text(&browser["endpoint"]), p256dh, auth };
    assert_eq!(scene.send(&device(Address::Webpush(subscription))).await, Outcome::Delivered);
}

#[tokio::test]
async fn unknown_paths_and_faults_are_refused() {
    let scene = Scene::new().await;
    for path in ["/", "/v1/projects/p/messages", "/apns/3/device", "/3/device/00", "/webpush/a/b"] {
        assert_eq!(post(&scene, path, &json!({})).await.0, 404, "{path}");
    }
    for plan in [json!({}), json!({"target": "fcm", "times": 1, "fault": "unknown"})] {
        assert_eq!(post(&scene, "/faults", &plan).await.0, 400);
    }
    assert!(records(&scene, 0).await.is_empty());
}

#[tokio::test]
async fn requests_that_a_real_service_refuses_are_refused() {
    let scene = Scene::new().await;
    let device = scene.browser().0;
    let path = device.endpoint.strip_prefix(scene.stand_ins.url()).unwrap();

    assert_eq!(post(&scene, "/token", &json!({})).await, (400, json!({"error": "invalid_request"})));
    assert_eq!(post(&scene, "/v1/projects/local-project/messages:send", &json!({})).await.0, 401);
    let refused = (403, json!({"reason": "MissingProviderToken"}));
    assert_eq!(post(&scene, "/apns/3/device/00", &json!({"aps": {}})).await, refused);
    assert_eq!(post(&scene, path, &json!({})).await.0, 401);
    assert!(scene.stand_ins.records(0).iter().all(|record| !record.is_taken()));
}
