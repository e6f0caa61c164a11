use crate::logins::{Logins, MINJI, PASSWORD};
use domain::{Locale, UserId};
use serde_json::json;
use testkit::NOON;

#[tokio::test]
async fn registration_answers_the_account() {
    let logins = Logins::new().await;

    let answer = logins.register("Minji@Example.com", "민지").await;

    let account = answer.json();
    assert_eq!(answer.status, 201);
    assert_eq!(
        account,
        json!({"id": account["id"], "email": "Minji@Example.com", "email_verified": false, "username": "민지", "display_name": null,
            "status_message": null, "avatar": null, "locale": "ko", "presence_visibility": "friends", "read_receipts": true, "created_at": "2036-07-18T13:20:00.000Z",
            "updated_at": "2036-07-18T13:20:00.000Z"})
    );
}

#[tokio::test]
async fn registration_is_projected() {
    let logins = Logins::new().await;

    let minji = logins.join(MINJI).await;

    let person = logins.mongo().people().find(minji).await.unwrap().unwrap();
    assert_eq!((person.username.as_str(), person.locale, person.is_active), ("minji", Locale::Ko, true));
    assert_eq!(logins.mysql().outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn name_is_taken_in_every_spelling() {
    let logins = Logins::new().await;
    logins.register(MINJI, "Minji").await;

    for (email, username, code) in [
        ("MINJI@example.com", "other", "email_taken"),
        ("other@example.com", "mINJI", "username_taken"),
        ("other@example.com", "Ｍｉｎｊｉ", "username_taken"),
    ] {
        assert_eq!(logins.register(email, username).await.refusal(), (409, code.to_owned()), "{email} {username}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_twenty_concurrent_registrations_gets_name() {
    let logins = Logins::new().await;

    let answers = logins
        .at_once(20, |logins, n| async move { logins.register(&format!("minji{n}@example.com"), "민지").await })
        .await;

    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.status == 201);
    assert!(made.len() <= 1, "{made:?}");
    for (n, answer) in refused {
        // Whoever got it, and was not told so in time, is told that the address is taken.
        let codes = ["username_taken", "email_taken"];
        assert!(answer.status == 409 && codes.contains(&answer.refusal().1.as_str()), "{n}: {}", answer.text);
    }
}

#[tokio::test]
async fn all_bad_fields_are_named_at_once() {
    let logins = Logins::new().await;
    let body = json!({"email": "minji", "username": "민 지", "password": "short", "display_name": " "});

    let answer = logins.post("/auth/register", &body).await;

    assert_eq!(answer.status, 422);
    insta::assert_snapshot!(answer.json()["errors"].to_string(), @r#"[{"code":"bad_format","detail":"형식이 올바르지 않습니다.","field":"email"},{"code":"forbidden_character","detail":"사용할 수 없는 문자가 있습니다.","field":"username"},{"code":"too_short","detail":"너무 짧습니다.","field":"password"},{"code":"blank","detail":"빈 값은 사용할 수 없습니다.","field":"display_name"}]"#);
}

#[tokio::test]
async fn refused_username_says_why_in_the_callers_language() {
    let logins = Logins::new().await;
    for (username, code, detail) in [
        ("민지\u{3164}", "invisible_character", "보이지 않는 문자는 사용할 수 없습니다."),
        ("аdmin", "mixed_scripts", "서로 다른 문자 체계의 글자를 섞어 쓸 수 없습니다."),
        ("a\u{300}\u{300}b", "too_many_marks", "한 글자에 붙은 부호가 너무 많습니다."),
    ] {
        let refused = logins.register(MINJI, username).await;

        let expected = json!([{"field": "username", "code": code, "detail": detail}]);
        assert_eq!((refused.status, &refused.json()["errors"]), (422, &expected));
    }
}

#[tokio::test]
async fn username_that_looks_like_a_taken_one_is_taken() {
    let logins = Logins::new().await;
    assert_eq!(logins.register(MINJI, "admin").await.status, 201);

    for username in ["admın", "ɑdmin", "ＡＤＭＩＮ"] {
        let refused = logins.register("other@example.com", username).await;
        assert_eq!(refused.refusal(), (409, "username_taken".to_owned()), "{username}");
    }
}

#[tokio::test]
async fn decomposed_hangul_name_is_stored_composed() {
    let logins = Logins::new().await;

    let answer = logins.register(MINJI, "\u{1106}\u{1175}\u{11ab}\u{110c}\u{1175}").await;

    assert_eq!(answer.json()["username"], "민지");
}

#[tokio::test]
async fn registration_fails_while_mongodb_is_away() {
    let logins = Logins::new().await;

    let answer = logins.without_mongo().await.register(MINJI, "민지").await;

    assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
    assert_eq!(logins.mysql().users().find_credentials(MINJI, NOON).await.unwrap().map(|found| found.user), None);
}

#[tokio::test]
async fn unprojected_account_is_created_and_relayed() {
    let logins = Logins::new().await;
    let first = 1;
    testkit::mongo::refuse(logins.mongo_url(), "people", first).await;

    let minji = logins.join(MINJI).await;

    assert_eq!((minji, logins.mongo().people().find(minji).await.unwrap()), (UserId(first), None));
    testkit::mongo::refuse(logins.mongo_url(), "people", 0).await;
    let relayed = logins.projector().relay(testkit::NOON.plus(std::time::Duration::from_secs(1))).await.unwrap();
    assert_eq!((relayed.projected, relayed.failed), (1, 0));
    assert!(logins.mongo().people().find(minji).await.unwrap().is_some());
}

#[tokio::test]
async fn password_is_stored_as_hash() {
    let logins = Logins::new().await;

    let minji = logins.join(MINJI).await;

    let hash = logins.mysql().users().find_password_hash(minji).await.unwrap().unwrap();
    assert!(hash.starts_with("$argon2id$") && !hash.contains(PASSWORD), "{hash}");
}

#[tokio::test]
async fn registered_user_is_found_by_both_names() {
    let logins = Logins::new().await;
    let body = json!({"email": MINJI, "username": "minji", "password": PASSWORD, "display_name": "김민지"});
    let minji = logins.post("/auth/register", &body).await.json()["id"].clone();

    for name in ["min", "김민", "ㄱㅁㅈ"] {
        let query = domain::NameQuery::parse(name).unwrap();
        let found = logins.mysql().users().search(&query, UserId(0), None, domain::PageSize::LARGEST).await.unwrap();
        let ids: Vec<_> = found.items.iter().map(|found| found.id).collect();
        assert_eq!(json!(ids), json!([minji]), "{name}");
    }
}
