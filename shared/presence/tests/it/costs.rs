use crate::scene::Scene;
use domain::{PresenceVisibility, UserId};
use testkit::NOON;

#[tokio::test]
async fn hundred_people_are_looked_at_with_three_reads() {
    let scene = Scene::new().await;
    let people: Vec<_> = (100..200).map(UserId).collect();
    for user in &people {
        let friends = people.iter().copied().filter(|friend| friend != user).take(50).collect();
        scene.know(*user, 1, friends, PresenceVisibility::Friends).await;
        scene.come(*user, &user.to_string(), NOON).await;
    }
    let mut profile = scene.stores.profile().await;

    assert_eq!(scene.look(&people).await.len(), 100);
    // What was told, connections, people; a write each, in one command; their friends, the connections of these, and whom they know.
    assert_eq!(profile.count().await, 3 + 100 + 3);
    assert_eq!(scene.look(&people).await, []);
    assert_eq!(profile.count().await, 3 + 1);
}
