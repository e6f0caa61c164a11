//! Changes that were committed in MySQL and not projected to MongoDB: the client gets an error, and they are repaired.

use crate::proxied_stack::{LIMIT, journey_with_proxies, recovered, relayed};
use e2e::{Answer, Person, Socket, TestStack, with_ticket};
use serde_json::json;
use testkit::proxy::Proxy;
use tokio::time::timeout;

/// The change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Block,
    Unblock,
    Room,
    Request,
    Logout,
}

/// The accident between the commit and the projection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accident {
    /// MongoDB is unreachable.
    Cut,
    /// The function is killed.
    Kill,
}

/// What repairs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repair {
    Relay,
    SameRequest,
}

/// Two people, of whom the first makes the change, and their room if they have one.
struct Pair {
    minji: Person,
    junho: Person,
    room: i64,
}

impl Change {
    const ALL: [Self; 5] = [Self::Block, Self::Unblock, Self::Room, Self::Request, Self::Logout];

    fn function(self) -> &'static str {
        match self {
            Self::Block | Self::Unblock => "blocks",
            Self::Room => "chat-rooms",
            Self::Request => "friends",
            Self::Logout => "auth",
        }
    }

    async fn prepare(self, stack: &TestStack) -> Pair {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
        let room = if self == Self::Room { 0 } else { minji.room_with(&junho).await };
        if self == Self::Unblock {
            minji.block(&junho).await;
        }
        Pair { minji, junho, room }
    }

    async fn make(self, Pair { minji, junho, .. }: &Pair) -> Answer {
        match self {
            Self::Block => minji.api.post("/blocks", &json!({"user_id": junho.id})).await,
            Self::Unblock => minji.api.delete(&format!("/blocks/{}", junho.id)).await,
            Self::Room => minji.api.post("/chat-rooms", &json!({"participant_id": junho.id})).await,
            Self::Request => minji.api.post("/friends/request", &json!({"user_id": junho.id})).await,
            Self::Logout => minji.api.call("POST", "/auth/logout", None).await,
        }
    }

    /// Whether the change is projected, as far as a client can tell.
    async fn is_known(self, Pair { minji, junho, room }: &Pair) -> bool {
        match self {
            Self::Block => self.say(junho, *room).await.status == 403,
            Self::Unblock => self.say(junho, *room).await.status == 201,
            Self::Room => {
                let rooms = recovered(async || junho.api.get("/chat-rooms").await).await.with(200);
                rooms["items"] != json!([])
            }
            Self::Request => {
                let socket = connect(junho).await;
                // The ping of `connect` leaves the second pooled connection untried.
                let greeting = async {
                    loop {
                        let answer = socket.ask("hello", json!({"v": 1})).await;
                        if answer["t"] == "ready" {
                            break answer;
                        }
                    }
                };
                let ready = timeout(LIMIT, greeting).await.unwrap_or_else(|_| unreachable!("nobody is greeted"));
                ready["d"]["user_rev"].as_i64() > Some(1)
            }
            Self::Logout => recovered(async || minji.api.get("/messages/unread").await).await.status == 401,
        }
    }

    async fn say(self, person: &Person, room: i64) -> Answer {
        let body = json!({"room_id": room, "room_type": "private", "content": "hi"});
        recovered(async || person.api.post("/messages", &body).await).await
    }

    /// Whether the change is committed, as far as a client can tell; otherwise true.
    async fn is_committed(self, Pair { minji, junho, .. }: &Pair) -> bool {
        let list = async |person: &Person, path: &str| {
            recovered(async || person.api.get(path).await).await.with(200)["items"].clone()
        };
        match self {
            Self::Block => list(minji, "/blocks").await != json!([]),
            Self::Unblock => list(minji, "/blocks").await == json!([]),
            Self::Request => list(junho, "/friends/requests").await != json!([]),
            Self::Room | Self::Logout => true,
        }
    }
}

#[test]
fn unprojected_change_is_no_success_and_is_repaired() {
    lose_each(Accident::Cut);
}

#[test]
fn change_of_a_function_killed_after_its_commit_is_repaired() {
    lose_each(Accident::Kill);
}

fn lose_each(accident: Accident) {
    journey_with_proxies(async |stack, mysql, mongo| {
        // Register everyone first: later, a store may still be unreachable.
        let mut losses = Vec::new();
        for change in Change::ALL {
            for repair in [Repair::SameRequest, Repair::Relay] {
                losses.push((change, repair, change.prepare(stack).await));
            }
        }
        for (change, repair, pair) in losses {
            let answer = lose(stack, (mysql, mongo), change, accident, &pair).await;
            assert!(is_told(&answer, accident), "{change:?} {accident:?}: {}", answer.text);
            mongo.restore();
            check_repair(stack, change, repair, &pair).await;
        }
    });
}

/// Makes a change during an accident; returns its answer.
async fn lose(
    stack: &TestStack,
    (mysql, mongo): (&Proxy, &Proxy),
    change: Change,
    accident: Accident,
    pair: &Pair,
) -> Answer {
    assert!(!change.is_known(pair).await, "{change:?} is known before it is made");
    match accident {
        Accident::Cut => mysql.once_answered("COMMIT", mongo.cutter()),
        Accident::Kill => {
            let faults = stack.faults().clone();
            mysql.once_answered("COMMIT", move || {
                faults.kill_one(change.function());
            });
        }
    }
    let making = async {
        loop {
            let answer = change.make(pair).await;
            // MongoDB may still be unreachable from the previous accident.
            if mysql.has_fired() {
                break answer;
            }
            assert_eq!(answer.status, 503, "{change:?} commits nothing: {}", answer.text);
        }
    };
    timeout(LIMIT, making).await.unwrap_or_else(|_| unreachable!("{change:?} never commits"))
}

/// The function's own answer, or API Gateway's where the function was killed.
fn is_told(answer: &Answer, accident: Accident) -> bool {
    match accident {
        Accident::Cut => answer.refusal() == (503, "unavailable".to_owned()) && answer.header("retry-after") == "2",
        Accident::Kill => answer.status == 500,
    }
}

/// The change is committed, and this repair projects it.
async fn check_repair(stack: &TestStack, change: Change, repair: Repair, pair: &Pair) {
    let what = format!("{change:?} {repair:?}");
    assert!(change.is_committed(pair).await, "{what}: not committed");
    assert!(!change.is_known(pair).await, "{what}: known without a repair");
    match repair {
        Repair::Relay => {
            let report = relayed(stack).await;
            assert!(report["projected"].as_u64() >= Some(1), "{what}: {report}");
        }
        Repair::SameRequest => {
            let answer = recovered(async || change.make(pair).await).await;
            assert!(answer.status < 300, "{what}: {}", answer.text);
        }
    }
    assert!(change.is_known(pair).await, "{what}: not repaired");
    // Nothing is left to repair, and the repeated request changes nothing.
    let again = recovered(async || change.make(pair).await).await;
    let expected: &[u16] = if change == Change::Logout { &[401] } else { &[200, 204] };
    assert!(expected.contains(&again.status), "{what}: {}", again.text);
    assert_eq!(relayed(stack).await["projected"], 0, "{what}");
}

async fn connect(person: &Person) -> Socket {
    let connecting = async {
        loop {
            let ticket = person.api.call("POST", "/auth/ticket", None).await;
            if ticket.status == 503 {
                continue;
            }
            let ticket = ticket.with(201);
            let text = |name: &str| ticket[name].as_str().unwrap_or_default().to_owned();
            if let Ok(socket) = Socket::upgrade(&with_ticket(&text("url"), &text("ticket")), &[]).await {
                while socket.ask("ping", json!({})).await["t"] != "pong" {}
                break socket;
            }
        }
    };
    timeout(LIMIT, connecting).await.unwrap_or_else(|_| unreachable!("no connection in {LIMIT:?}"))
}
