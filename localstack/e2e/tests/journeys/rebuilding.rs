//! MySQL is restored from a backup.

use e2e::journey_in;
use stack::Options;
use testkit::mysql::execute;

#[test]
fn rebuild_after_a_restore_enforces_blocks_again() {
    journey_in(Options::for_test(), async |stack| {
        let (minji, junho, room) = stack.pair().await;
        minji.block(&junho).await;
        minji.unblock(&junho).await;
        // The backup is from before that.
        for restore in ["UPDATE users SET version = 1", "UPDATE chat_rooms SET version = 1"] {
            execute(stack.mysql_url(), restore).await;
        }
        minji.block(&junho).await;
        junho.say(room, "the block is not in force").await;

        let reports = stack.rebuild().await;

        assert_eq!(reports[0]["repaired"]["rooms"], 1, "{reports:?}");
        let refused = junho.say_as(room, "after", "hello").await.refusal();
        assert_eq!(refused, (403, "recipient_unavailable".to_owned()));
    });
}
