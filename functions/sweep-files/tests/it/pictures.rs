use crate::yard::{MINJI, Yard};
use domain::{Person, Picture, Purpose, UploadState};
use mongo::PictureOf;
use sweep_files::Report;
use testkit::{NOON, mongo::Uploaded, person};

const DAY: i64 = 86_400;

#[tokio::test]
async fn picture_stays_while_it_is_shown() {
    let yard = Yard::new().await;
    let picture = async |number| {
        let new = Uploaded { purpose: Purpose::Avatar, ..Uploaded::by(MINJI, number) };
        let id = new.make(yard.mongo(), NOON).await;
        yard.mongo().uploads().claim_picture(PictureOf::Person(MINJI), MINJI, id, NOON).await.unwrap();
        id
    };
    let (shown, lost) = (picture(1).await, picture(2).await);
    let avatar = Some(Picture { id: shown, thumbhash: "hash".to_owned() });
    let person = Person { avatar, ..person(MINJI, "minji") };
    yard.mongo().people().project(&person).await.unwrap();
    let state = async |id| yard.mongo().uploads().find(id).await.unwrap().unwrap().state;

    assert_eq!(yard.run::<660>().await, Report { settled: 2, ..Report::default() });
    assert_eq!((state(shown).await, state(lost).await), (UploadState::Attached, UploadState::Ready));
    assert_eq!(yard.run::<{ DAY + 60 }>().await, Report { settled: 1, ..Report::default() });
    assert_eq!((state(shown).await, state(lost).await), (UploadState::Attached, UploadState::Deleting));

    yard.mongo().people().project(&Person { version: 2, avatar: None, ..person }).await.unwrap();
    assert_eq!(yard.run::<{ 8 * DAY }>().await.settled, 1);
    assert_eq!(state(shown).await, UploadState::Deleting);
}
