//! Histories with searches.

use crate::story::{ROOM, Story, message};
use checker::{
    history::{Answer, Message, Request},
    verify::Promise,
};

fn find(story: &mut Story, text: &str, items: Vec<Message>) {
    story.call(1, Request::Search { room: ROOM, text: text.into() }, Answer::Found { items, whole: true });
}

#[test]
fn search_that_finds_what_was_said_is_fine() {
    let mut story = Story::default();
    story.send(0, "one", message("one", 1, 1));
    find(&mut story, "one", vec![message("one", 1, 1)]);
    find(&mut story, "two", Vec::new());
    assert_eq!(story.verdict(), []);
}

#[test]
fn search_that_lacks_a_message_is_found() {
    let mut story = Story::default();
    story.send(0, "one", message("one", 1, 1));
    find(&mut story, "one", Vec::new());
    story.breaks(Promise::NothingMissed, "lacks message one");
}

#[test]
fn search_that_shows_another_message_is_found() {
    let mut story = Story::default();
    story.send(0, "one", message("one", 1, 1));
    find(&mut story, "two", vec![message("one", 1, 1)]);
    story.breaks(Promise::Protocol, "does not say it");
}

#[test]
fn search_that_shows_a_text_before_an_edit_is_found() {
    let mut story = Story::default();
    story.send(0, "one", message("one", 1, 1));
    story.edit(0, "one", "two", Message { content: "two".into(), ..message("one", 1, 2) });
    find(&mut story, "two", Vec::new());
    story.breaks(Promise::NothingMissed, "lacks message one");
}

#[test]
fn message_that_is_being_changed_may_be_found_or_not() {
    for items in [vec![message("one", 1, 1)], Vec::new()] {
        let mut story = Story::default();
        story.send(0, "one", message("one", 1, 1));
        let request = Request::Edit { room: ROOM, message: "one".into(), content: "two".into() };
        story.ask(0, checker::history::Purpose::Look, request);
        find(&mut story, "one", items);
        assert_eq!(story.verdict(), []);
    }
}
