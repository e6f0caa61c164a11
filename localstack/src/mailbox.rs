//! Mails of the local stack: a file each, and its link in the output.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use gateway::{Mailbox, SentMail};
use stack::{Progress, write_atomically};

/// Keeps mails in a folder and shows their links.
pub(crate) fn into(folder: PathBuf, progress: Progress) -> Mailbox {
    Arc::new(move |mail| match keep(&folder, &mail) {
        Ok(file) => progress.say(&shown(&mail, &file)),
        Err(error) => progress.say(&format!("! a mail could not be written: {error:#}")),
    })
}

/// Writes the text with its headers, and the HTML beside it.
fn keep(folder: &std::path::Path, mail: &SentMail) -> Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let SentMail { from, to, subject, text, html, .. } = mail;
    let file = folder.join(format!("{}.txt", name(mail)));
    write_atomically(&file.with_extension("html"), html)?;
    write_atomically(&file, &format!("From: {from}\nTo: {}\nSubject: {subject}\n\n{text}", to.join(", ")))?;
    Ok(file)
}

/// To whom, and the id: nothing that a file's name can't hold.
fn name(mail: &SentMail) -> String {
    let whole = format!("{}-{}", mail.to.join("-"), mail.id);
    whole.chars().map(|c| if c.is_ascii_alphanumeric() || "@.-_+".contains(c) { c } else { '_' }).collect()
}

fn shown(mail: &SentMail, file: &std::path::Path) -> String {
    let link = mail.text.lines().find(|line| line.starts_with("http")).unwrap_or("no link");
    format!("mail to {}: {}\n  {link}\n  {}", mail.to.join(", "), mail.subject, file.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> SentMail {
        let text = "Hello\n\nhttp://localhost:3000/verify-email#token=abc\n\nBye\n";
        let [id, from, to, subject, html] = ["1", "chat@chat.example", "a/../b@x.example", "Confirm", "<p>"];
        let texts = [id, from, subject, text, html].map(str::to_owned);
        let [id, from, subject, text, html] = texts;
        SentMail { id, from, to: vec![to.to_owned()], subject, text, html }
    }

    #[test]
    fn mail_is_a_file_and_its_link_is_shown() {
        let folder = tempfile::tempdir().unwrap();

        let file = keep(&folder.path().join("mail"), &mail()).unwrap();

        assert_eq!(file, folder.path().join("mail/a_.._b@x.example-1.txt"));
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(
            text.starts_with("From: chat@chat.example\nTo: a/../b@x.example\nSubject: Confirm\n\nHello\n"),
            "{text}"
        );
        assert!(file.with_extension("html").exists());
        assert!(shown(&mail(), &file).contains("\n  http://localhost:3000/verify-email#token=abc\n"));
    }
}
