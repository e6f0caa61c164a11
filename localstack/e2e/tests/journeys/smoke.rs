//! The check of a deployment, against the local stack.

use client::Smoke;
use e2e::{PASSWORD, journey};
use std::{cell::RefCell, time::Duration};

#[test]
fn smoke_test_passes_and_leaves_no_account() {
    journey(async |stack| {
        let told = RefCell::new(Vec::new());
        let smoke = Smoke::new(stack.http_url(), |what: &str, _: Duration| told.borrow_mut().push(what.to_owned()));

        smoke.run(None).await.unwrap();
        smoke.clean_up().await.unwrap();

        let told = told.take();
        assert_eq!(told.first().map(String::as_str), Some("every store answers"));
        assert_eq!(told.last().map(String::as_str), Some("the accounts are left as they were"));
        assert_eq!(told.len(), 8, "{told:?}");
        let (minji, ..) = stack.pair().await;
        let found = minji.api.call("GET", "/users/search?q=smoke_", None).await;
        assert_eq!(found.json()["items"], serde_json::json!([]));
    });
}

#[test]
fn smoke_test_of_given_accounts_leaves_them_and_no_message() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let accounts = [&minji, &junho].map(|person| (person.email().to_owned(), PASSWORD.to_owned()));
        let smoke = Smoke::new(stack.http_url(), |_: &str, _: Duration| {});

        smoke.run(Some(&accounts)).await.unwrap();
        smoke.clean_up().await.unwrap();

        let items = minji.list(room).await["items"].clone();
        let contents: Vec<_> = items.as_array().unwrap().iter().map(|item| &item["content"]).collect();
        assert!(contents.iter().all(|content| content.is_null() || *content == ""), "{contents:?}");
    });
}

#[test]
fn smoke_test_names_what_fails() {
    journey(async |stack| {
        let smoke = Smoke::new(stack.http_url(), |_: &str, _: Duration| {});
        let nobody = [0, 1].map(|n| (format!("nobody{n}@example.com"), PASSWORD.to_owned()));

        let failed = format!("{:#}", smoke.run(Some(&nobody)).await.unwrap_err());

        assert!(failed.starts_with("not so: two people log in: answered 401"), "{failed}");
        smoke.clean_up().await.unwrap();
    });
}
