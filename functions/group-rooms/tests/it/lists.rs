use crate::groups::Groups;
use serde_json::json;

#[tokio::test]
async fn own_groups_are_listed_by_newest_activity() {
    let groups = Groups::new().await;
    let [owner, member] = groups.friends().await;
    let mut rooms = Vec::new();
    for _ in 0..3 {
        rooms.push(groups.private(owner, &[member]).await);
    }
    for n in [2, 0, 1] {
        groups.say(rooms[n], owner, "안녕").await;
        // The store's clock tells milliseconds apart.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }

    let listed = groups.get(member, "/group-rooms").await.json();

    let ids = groups.ids(member, "/group-rooms").await;
    assert_eq!(ids, [rooms[1], rooms[0], rooms[2]].map(|room| i64::from(room.0)));
    assert_eq!(listed["items"][0], groups.show(member, rooms[1]).await, "as by itself");
    assert_eq!(
        (&listed["items"][0]["last_message"]["content"], &listed["items"][0]["unread_count"]),
        (&json!("안녕"), &json!(1))
    );
    let page = groups.get(member, "/group-rooms?limit=2").await.json();
    let next = page["next_cursor"].as_str().unwrap();
    assert_eq!(groups.ids(member, format!("/group-rooms?limit=2&cursor={next}")).await, ids[2..]);
}

#[tokio::test]
async fn public_groups_are_listed_by_id() {
    let groups = Groups::new().await;
    let [owner] = groups.friends().await;
    let stranger = groups.join("stranger").await;
    let mut rooms = Vec::new();
    for _ in 0..3 {
        rooms.push(i64::from(groups.public(owner, &[]).await.0));
        groups.private(owner, &[]).await;
    }

    assert_eq!(groups.ids(stranger, "/group-rooms?scope=public").await, rooms);
    let page = groups.get(stranger, "/group-rooms?scope=public&limit=2").await.json();
    let next = page["next_cursor"].as_str().unwrap();
    assert_eq!(groups.ids(stranger, format!("/group-rooms?scope=public&limit=2&cursor={next}")).await, rooms[2..]);
    assert_eq!((&page["items"][0]["my_role"], &page["items"][0]["last_message"]), (&json!(null), &json!(null)));
}

#[tokio::test]
async fn public_groups_are_found_by_name_and_initials() {
    let groups = Groups::new().await;
    let [owner] = groups.friends().await;
    let stranger = groups.join("stranger").await;
    let make = async |name: &str| i64::from(groups.made(owner, &json!({"name": name})).await.0);
    let (hiking, cycling) = (make("등산 모임").await, make("자전거 동호회").await);
    groups.made(owner, &json!({"name": "등산 비밀", "is_private": true})).await;
    let find = async |q: &str| groups.ids(stranger, format!("/group-rooms?scope=public&q={q}")).await;

    assert_eq!(find("%EB%93%B1").await, [hiking], "등");
    assert_eq!(find("%E3%84%B7%E3%85%85").await, [hiking], "ㄷㅅ");
    assert_eq!(find("%E3%85%88%E3%85%88%E3%84%B1").await, [cycling], "ㅈㅈㄱ");
    assert_eq!(find("%EC%97%86%EB%8B%A4").await, [0; 0], "없다");
}

#[tokio::test]
async fn bad_queries_are_named() {
    let groups = Groups::new().await;
    let [owner] = groups.friends().await;
    let room = groups.public(owner, &[]).await;

    for (path, field) in [
        ("/group-rooms?limit=0".to_owned(), "limit"),
        ("/group-rooms?cursor=x".to_owned(), "cursor"),
        ("/group-rooms?scope=all".to_owned(), "scope"),
        ("/group-rooms?q=a".to_owned(), "q"),
        ("/group-rooms?scope=public&q=%20".to_owned(), "q"),
        ("/group-rooms?page=1".to_owned(), "$"),
        (format!("/group-rooms/{room}/members?limit=101"), "limit"),
        (format!("/group-rooms/{room}/members?q="), "q"),
        (format!("/group-rooms/{room}/bans?cursor=x"), "cursor"),
        (format!("/group-rooms/{room}/invites?limit=x"), "limit"),
    ] {
        let answer = groups.get(owner, &path).await;
        assert_eq!((answer.status, &answer.json()["errors"][0]["field"]), (422, &json!(field)), "{path}");
    }
}

#[tokio::test]
async fn searches_have_a_limit_of_their_own() {
    let groups = Groups::new().await;
    let [owner] = groups.friends().await;
    let room = groups.public(owner, &[]).await;
    let limit = domain::Limit { burst: 2, per_minute: 1 };
    let groups = Groups(groups.with(|app| app.backend.limits.searches = limit));
    for path in ["/group-rooms?scope=public&q=a".to_owned(), format!("/group-rooms/{room}/members?q=a")] {
        assert_eq!(groups.get(owner, path).await.status, 200);
    }

    assert_eq!(groups.get(owner, "/group-rooms?scope=public&q=a").await.status, 429);
    assert_eq!(groups.get(owner, "/group-rooms?scope=public").await.status, 200);
}
