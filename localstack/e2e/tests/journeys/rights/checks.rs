//! The routes and actions of the stack against the table.

use super::{Row, actions, routes};
use crate::scene::{Aim, PERSONAS, Scene, deactivate};
use e2e::{Socket, journey};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};
use template::Template;

#[test]
fn http_routes_follow_the_authorization_table() {
    journey(async |stack| {
        let scene = Scene::set(stack).await;
        let mut wrong = Vec::new();
        for (number, row) in routes(&scene.aim_of(&scene.author)).into_iter().enumerate() {
            let own = if row.alone { Some(scene.set_again(stack).await) } else { None };
            let everyone = own.as_ref().unwrap_or(&scene).everyone(stack);
            for ((who, (api, aim)), expected) in PERSONAS.iter().zip(everyone).zip(row.outcomes) {
                let Row { method, path, body, .. } = &routes(&aim)[number];
                let found = api.call(method, path, body.as_ref()).await.refusal();
                if (found.0, found.1.as_str()) != expected {
                    wrong.push(format!("{who}: {method} {}: {found:?}, not {expected:?}", row.route));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn head_answers_like_get_without_a_body() {
    journey(async |stack| {
        let scene = Scene::set(stack).await;
        let own =
            |name: &str| ["apigw-requestid", "content-length", "date", "ratelimit", "x-request-id"].contains(&name);
        let mut wrong = Vec::new();
        for (who, (api, aim)) in PERSONAS.iter().zip(scene.everyone(stack)).take(3) {
            for Row { path, .. } in routes(&aim).into_iter().filter(|row| row.method == "GET") {
                let (get, head) = (api.get(&path).await, api.call("HEAD", &path, None).await);
                let headers = |answer: &e2e::Answer| {
                    let mut headers = answer.headers.clone();
                    answer.headers.keys().filter(|name| own(name.as_str())).for_each(|name| drop(headers.remove(name)));
                    headers
                };
                if (head.status, headers(&head), head.text.as_str()) != (get.status, headers(&get), "") {
                    wrong.push(format!("{who}: HEAD {path}: {head:?} for {get:?}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn socket_actions_follow_the_authorization_table() {
    journey(async |stack| {
        let scene = Scene::set(stack).await;
        let people = [&scene.stranger, &scene.author, &scene.other, &scene.blocked];
        let sockets: Vec<Socket> = futures_util::future::join_all(people.map(e2e::Person::socket)).await;
        let mut wrong = Vec::new();
        for (number, (action, _, outcomes)) in actions(&scene.aim_of(&scene.author)).into_iter().enumerate() {
            for (((who, person), socket), expected) in PERSONAS[1..].iter().zip(people).zip(&sockets).zip(outcomes) {
                let (_, d, _) = actions(&scene.aim_of(person)).swap_remove(number);
                let answer = socket.ask(action, d).await;
                let found = if answer["t"] == "error" { &answer["d"]["code"] } else { &answer["t"] };
                if found != expected {
                    wrong.push(format!("{who}: {action}: {found}, not {expected}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn sockets_are_closed_at_logout_and_deactivation() {
    journey(async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
        let (minjis, junhos) = (minji.socket().await, junho.socket().await);

        minji.logout().await;
        deactivate(stack, &junho).await;

        for (person, socket) in [(&minji, &minjis), (&junho, &junhos)] {
            let (frames, _) = socket.ending().await;
            assert_eq!(frames, [json!({"t": "session.revoked", "d": {"session": person.session()}})]);
        }
    });
}

#[test]
fn the_table_has_every_route_and_no_other() {
    journey(async |stack| {
        let (author, other, room) = stack.pair().await;
        let aim = Aim {
            room,
            message: String::new(),
            friendship: 0,
            person: other.id,
            username: String::new(),
            session: author.session(),
            email: String::new(),
            refresh_token: String::new(),
            group: 0,
            invite: 0,
            code: String::new(),
            upload: String::new(),
        };
        let tabled: BTreeSet<String> = routes(&aim).iter().map(|row| format!("{} {}", row.method, row.route)).collect();

        let document = stack.api().get("/openapi.json").await.with(200);
        let paths = document["paths"].as_object().unwrap().iter();
        let documented: BTreeSet<String> = paths
            .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |verb| (verb, path)))
            .map(|(verb, path)| format!("{} {path}", verb.to_uppercase()))
            .collect();

        assert_eq!(tabled, documented);
        assert_eq!(
            tabled,
            template()
                .functions
                .iter()
                .flat_map(|function| &function.http_routes)
                .filter(|route| route.method != "HEAD")
                .map(|route| { format!("{} {}", route.method, route.path) })
                .collect()
        );

        // `tickets.rs` covers `$connect`, and `$disconnect` has no answer.
        let named = actions(&aim).into_iter().map(|(action, ..)| action);
        let tabled: BTreeSet<String> = named.chain(["$connect", "$disconnect"]).map(str::to_owned).collect();
        let routes: BTreeSet<String> = template()
            .functions
            .iter()
            .flat_map(|function| &function.websocket_routes)
            .map(|it| it.key.clone())
            .collect();
        assert_eq!(tabled, routes);
    });
}

/// The template as it is deployed.
fn template() -> Template {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    Template::load(&path, &BTreeMap::new()).unwrap_or_else(|error| unreachable!("{error:#}"))
}
