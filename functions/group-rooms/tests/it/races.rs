use crate::groups::Groups;
use domain::{MembershipState, Role, UserId};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use testkit::Answer;

/// How often each status was answered.
fn statuses(answers: &[(usize, Answer)]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for (_, answer) in answers {
        *counts.entry(answer.status).or_default() += 1;
    }
    counts
}

/// So many people without names.
async fn crowd(groups: &Groups, number: i32) -> Vec<UserId> {
    groups.join_crowd(number).await
}

#[tokio::test(flavor = "multi_thread")]
async fn size_holds_when_fifty_join_at_the_limit() {
    let groups = Groups::new().await;
    let [owner] = groups.friends().await;
    let crowd = crowd(&groups, 50).await;
    let room = groups.made(owner, &json!({"name": "열 명", "max_members": 10})).await;

    let people = crowd.clone();
    let answers = groups
        .at_once(50, move |door, n| {
            let user = people[n];
            async move { Groups(door).enter(user, room).await }
        })
        .await;

    assert_eq!(statuses(&answers), BTreeMap::from([(200, 9), (409, 41)]));
    assert_eq!(groups.show(owner, room).await["member_count"], 10);
    groups.agree(room, &crowd).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn last_use_of_an_invite_admits_one_of_fifty() {
    let groups = Groups::new().await;
    let [owner] = groups.friends().await;
    let crowd = crowd(&groups, 50).await;
    let room = groups.private(owner, &[]).await;
    let invite = groups.invite(owner, room, &json!({"max_uses": 1})).await;

    let (people, code) = (crowd.clone(), invite["code"].as_str().unwrap().to_owned());
    let answers = groups
        .at_once(50, move |door, n| {
            let (user, code) = (people[n], code.clone());
            async move { Groups(door).accept(user, &code).await }
        })
        .await;

    assert_eq!(statuses(&answers), BTreeMap::from([(200, 1), (404, 49)]));
    let listed = groups.get(owner, format!("/group-rooms/{room}/invites")).await.json();
    assert_eq!((&listed["items"][0]["uses"], &groups.show(owner, room).await["member_count"]), (&json!(1), &json!(2)));
    groups.agree(room, &crowd).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_equal_joins_are_one() {
    let groups = Groups::new().await;
    let [owner, joiner] = groups.friends().await;
    let room = groups.public(owner, &[]).await;

    let answers = groups.at_once(20, move |door, _| async move { Groups(door).enter(joiner, room).await }).await;

    assert_eq!(statuses(&answers), BTreeMap::from([(200, 20)]));
    assert_eq!(
        (groups.show(owner, room).await["member_count"].as_i64(), groups.known(joiner).await.version),
        (Some(2), 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_after_a_kick_was_answered() {
    let groups = Groups::new().await;
    let [owner, member] = groups.friends().await;
    let room = groups.public(owner, &[member]).await;
    let kicked = Arc::new(AtomicBool::new(false));

    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (groups, kicked) = (groups.clone(), Arc::clone(&kicked));
        senders.spawn(async move {
            loop {
                let is_late = kicked.load(Ordering::SeqCst);
                let is_sent = groups.may_send(room, member).await;
                assert!(!(is_late && is_sent), "sent after the answer");
                if !is_sent {
                    return;
                }
            }
        });
    }
    assert_eq!(groups.kick(owner, room, member).await.status, 204);
    kicked.store(true, Ordering::SeqCst);

    senders.join_all().await;
    assert!(!groups.may_send(room, member).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn member_promoted_while_leaving_is_out() {
    let groups = Groups::new().await;
    let [owner, member] = groups.friends().await;
    let room = groups.public(owner, &[member]).await;

    let answers = groups
        .at_once(20, move |door, n| async move {
            let groups = Groups(door);
            if n % 2 == 0 {
                groups.appoint(owner, room, member, "admin").await
            } else {
                groups.leave(member, room).await
            }
        })
        .await;

    for (n, answer) in answers {
        let expected: &[u16] = if n % 2 == 0 { &[200, 404] } else { &[204] };
        assert!(expected.contains(&answer.status), "{n}: {}", answer.text);
    }
    assert_eq!(
        (groups.role(room, member).await, groups.show(owner, room).await["member_count"].as_i64()),
        (None, Some(1))
    );
    assert_eq!(groups.enter(member, room).await.json()["my_role"], "member");
    groups.agree(room, &[owner, member]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transfer_and_deletion_at_once_leave_one_owner_or_no_group() {
    for _ in 0..3 {
        let groups = Groups::new().await;
        let [owner, heir] = groups.friends().await;
        let room = groups.private(owner, &[heir]).await;

        let answers = groups
            .at_once(20, move |door, n| async move {
                let groups = Groups(door);
                if n % 2 == 0 {
                    groups.transfer(owner, room, heir).await
                } else {
                    groups.delete(owner, format!("/group-rooms/{room}")).await
                }
            })
            .await;

        let is_open = groups.mysql().groups().find(room, owner).await.unwrap().is_some();
        for (n, answer) in answers {
            let expected: &[u16] = match (n % 2 == 0, is_open) {
                (true, true) => &[200],
                (true, false) => &[404],
                (false, true) => &[403],
                (false, false) => &[204],
            };
            assert!(expected.contains(&answer.status), "{n} {is_open}: {}", answer.text);
        }
        let expected = is_open.then_some(Role::Owner);
        assert_eq!((groups.role(room, heir).await, groups.role(room, owner).await.is_some()), (expected, is_open));
        groups.agree(room, &[owner, heir]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn user_banned_while_being_added_is_out() {
    let groups = Groups::new().await;
    let [owner, user] = groups.friends().await;
    let room = groups.public(owner, &[]).await;

    let answers = groups
        .at_once(20, move |door, n| async move {
            let groups = Groups(door);
            if n % 2 == 0 { groups.add(owner, room, user).await } else { groups.ban(owner, room, user).await }
        })
        .await;

    for (n, answer) in answers {
        let expected: &[u16] = if n % 2 == 0 { &[200, 201, 409] } else { &[204] };
        assert!(expected.contains(&answer.status), "{n}: {}", answer.text);
    }
    let of = groups.mysql().members().find(room, user).await.unwrap().unwrap();
    assert_eq!((of.state, groups.role(room, user).await), (MembershipState::Banned, None));
    assert_eq!(groups.show(owner, room).await["member_count"], 1);
    groups.agree(room, &[owner, user]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn joins_leaves_kicks_and_edits_at_once_keep_stores_equal() {
    let groups = Groups::new().await;
    let [owner, one, two, three] = groups.friends().await;
    let room = groups.made(owner, &json!({"name": "모임", "max_members": 3, "members": [one, two]})).await;
    let people = [one, two, three];

    let answers = groups
        .at_once(40, move |door, n| async move {
            let (groups, user) = (Groups(door), people[n % 3]);
            match n % 5 {
                0 => groups.enter(user, room).await,
                1 => groups.leave(user, room).await,
                2 => groups.kick(owner, room, user).await,
                3 => groups.add(owner, room, user).await,
                _ => groups.put(owner, format!("/group-rooms/{room}"), &json!({"name": format!("모임 {n}")})).await,
            }
        })
        .await;

    assert!(answers.iter().all(|(_, answer)| answer.status < 500), "{answers:?}");
    let (mut count, everybody) = (0, [owner, one, two, three]);
    for user in everybody {
        count += i64::from(groups.role(room, user).await.is_some());
    }
    assert_eq!(groups.show(owner, room).await["member_count"].as_i64(), Some(count));
    assert!(count <= 3, "{count}");
    groups.agree(room, &everybody).await;
}
