//! The design, as tables. A change to them belongs in the commit that needs it, with the reason.

use e2e::{http_functions, messages_behind};

/// The workspace crates that a shared crate or a function without HTTP routes may use.
const EDGES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("background", &[]),
    ("boot", &["domain"]),
    ("contract", &["domain"]),
    ("credentials", &["domain"]),
    ("files", &["boot", "domain"]),
    ("media", &["domain"]),
    ("mongo", &["domain"]),
    ("mysql", &["domain"]),
    ("queue", &["domain"]),
    ("realtime", &["domain"]),
    ("announce", &["background", "contract", "domain", "mongo", "queue", "realtime"]),
    ("mail", &["credentials", "domain", "mysql"]),
    ("push", &["boot", "credentials", "domain", "mongo"]),
    ("messaging", &["announce", "contract", "credentials", "domain", "mongo", "queue"]),
    ("presence", &["announce", "contract", "domain", "mongo", "queue"]),
    ("projection", &["announce", "contract", "domain", "messaging", "mongo", "mysql", "queue"]),
    ("web", &["background", "boot", "contract", "credentials", "domain", "mongo"]),
    ("socket", &["background", "boot", "domain"]),
    ("worker", &["boot", "domain"]),
    (
        "backend",
        &[
            "announce",
            "background",
            "boot",
            "credentials",
            "domain",
            "mongo",
            "mysql",
            "projection",
            "queue",
            "realtime",
            "web",
        ],
    ),
    ("fanout", &["boot", "contract", "domain", "queue", "realtime", "worker"]),
    ("inspect", &["announce", "background", "boot", "contract", "domain", "files", "media", "mongo", "realtime"]),
    ("migrate", &["announce", "background", "boot", "domain", "mongo", "mysql", "projection", "realtime"]),
    (
        "relay",
        &[
            "announce",
            "background",
            "boot",
            "domain",
            "messaging",
            "mongo",
            "mysql",
            "presence",
            "projection",
            "queue",
            "realtime",
        ],
    ),
    ("send-mail", &["boot", "credentials", "domain", "mail", "mysql"]),
    ("send-push", &["boot", "domain", "mongo", "push", "queue", "worker"]),
    ("sweep-files", &["boot", "domain", "files", "mongo"]),
    (
        "watch-presence",
        &["announce", "background", "boot", "domain", "mongo", "presence", "queue", "realtime", "worker"],
    ),
    ("ws-connect", &["announce", "background", "boot", "credentials", "domain", "mongo", "realtime", "socket"]),
    // `presence` only in a test, which sweeps up what the queue refused.
    ("ws-disconnect", &["boot", "domain", "mongo", "presence", "queue", "socket"]),
];

/// The `localstack` crates that each of them may use; all of them may use functions and shared crates.
pub(crate) const LOCAL_EDGES: &[(&str, &[&str])] = &[
    ("client", &[]),
    ("template", &[]),
    ("gateway", &["template"]),
    ("model", &[]),
    ("providers", &[]),
    ("stack", &["gateway", "providers", "template"]),
    ("checker", &["client", "gateway", "stack"]),
    ("localstack", &["checker", "client", "gateway", "providers", "stack", "template"]),
    ("e2e", &["checker", "client", "gateway", "providers", "stack", "template"]),
];

/// Heavy or central dependencies, and their sole owners.
pub(crate) const OWNERS: &[(&str, &[&str])] = &[
    ("argon2", &["credentials"]),
    ("aws-sdk-apigatewaymanagement", &["realtime"]),
    ("aws-sdk-s3", &["files"]),
    ("aws-sdk-secretsmanager", &["boot"]),
    ("aws-sdk-sesv2", &["mail"]),
    ("aws-sdk-sqs", &["queue"]),
    ("aws-smithy-http-client", &["boot"]),
    ("aws-smithy-runtime-api", &["boot"]),
    ("bcrypt", &["credentials"]),
    ("bson", &["mongo"]),
    ("fast_image_resize", &["media"]),
    ("image", &["media"]),
    ("infer", &["media"]),
    ("jiff", &["domain"]),
    ("hyper-rustls", &["push"]),
    ("jsonwebtoken", &["credentials"]),
    ("lambda-extension", &["background"]),
    ("lambda_http", &["web"]),
    // `background` tests itself under the runtime.
    ("lambda_runtime", &["background", "inspect", "migrate", "relay", "send-mail", "socket", "sweep-files", "worker"]),
    // `stack` initiates the replica set, `localstack` fills one with a million messages.
    ("mongodb", &["localstack", "mongo", "stack"]),
    ("p256", &["files"]),
    ("re_mp4", &["media"]),
    ("reqwest", &["client"]),
    ("s3s", &["gateway"]),
    ("sqlx", &["mysql"]),
    ("stateright", &["model"]),
    ("symphonia", &["media"]),
    ("thumbhash", &["media"]),
    ("tokio-tungstenite", &["client", "gateway"]),
    ("tower-http", &["web"]),
    ("tracing-subscriber", &["boot"]),
    // Schemas are in `contract`, those of ids in `domain` under its feature `schema`; a route is described where it is.
    (
        "utoipa",
        &[
            "contract",
            "domain",
            "web",
            "auth",
            "blocks",
            "chat-rooms",
            "docs",
            "e2e",
            "friends",
            "group-rooms",
            "health",
            "messages",
            "notifications",
            "uploads",
            "users",
        ],
    ),
];

/// Every row of a shared crate or a function.
pub(crate) fn edges() -> Vec<Row> {
    let functions = http_functions().into_iter().map(|function| (function.name, function.uses));
    rows(EDGES).chain(functions).chain([("ws-send", messages_behind("socket"))]).collect()
}

/// A crate and those that it may use.
pub(crate) type Row = (&'static str, Vec<&'static str>);

pub(crate) fn rows(table: &'static [(&'static str, &'static [&'static str])]) -> impl Iterator<Item = Row> {
    table.iter().map(|(name, uses)| (*name, uses.to_vec()))
}

/// Test support, which is never deployed.
pub(crate) const TESTKIT: &str = "testkit";

/// What tests may use beside it: work that runs before the answer, and the stand-ins of push services.
pub(crate) const TEST_SUPPORT: [&str; 3] = [TESTKIT, "background", "providers"];
