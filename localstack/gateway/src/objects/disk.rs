//! Objects as files: the content, what is known of it as JSON, and the length of that.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Mutex,
};

use futures_util::{TryStreamExt as _, stream};
use hyper::body::Bytes;
use s3s::{
    StdError,
    crypto::{Checksum as _, Md5, Sha256},
    dto::StreamingBlob,
};
use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempPath};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _, SeekFrom},
};

use crate::{ids, sync::lock};

/// How much of an object is read at once.
const CHUNK: u64 = 64 * 1024;

/// What is known of an object or a part of one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Meta {
    pub(crate) size: u64,
    pub(crate) etag: String,
    /// In base64; of all parts, where their number follows.
    pub(crate) sha256: String,
    pub(crate) content_type: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) cache_control: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) modified: i64,
}

/// The folder with everything that is stored.
pub(crate) struct Disk {
    root: PathBuf,
    /// Whoever decides by what is there, and changes it.
    commit: Mutex<()>,
}

/// An object that is written and not there yet.
pub(crate) struct Staged {
    path: TempPath,
    pub(crate) meta: Meta,
}

/// An object on its way to the disk.
pub(crate) struct Writer {
    file: File,
    path: TempPath,
    size: u64,
    md5: Md5,
    sha256: Sha256,
}

impl Disk {
    /// Makes the folders of these buckets, and removes what was not finished.
    pub(crate) fn open(root: &Path, buckets: impl Iterator<Item = String>) -> io::Result<Self> {
        let disk = Self { root: root.to_owned(), commit: Mutex::default() };
        if disk.temporary().exists() {
            fs::remove_dir_all(disk.temporary())?;
        }
        fs::create_dir_all(disk.temporary())?;
        for bucket in buckets {
            fs::create_dir_all(disk.objects(&bucket))?;
            fs::create_dir_all(disk.uploads(&bucket))?;
        }
        Ok(disk)
    }

    fn temporary(&self) -> PathBuf {
        self.root.join("unfinished")
    }

    fn objects(&self, bucket: &str) -> PathBuf {
        self.root.join(bucket).join("objects")
    }

    /// The folder of uploads in parts.
    pub(crate) fn uploads(&self, bucket: &str) -> PathBuf {
        self.root.join(bucket).join("uploads")
    }

    fn object(&self, bucket: &str, key: &str) -> PathBuf {
        // Any key is a name of a file, and sorts alike.
        self.objects(bucket).join(hex::encode(key))
    }

    pub(crate) fn writer(&self) -> io::Result<Writer> {
        let (file, path) = NamedTempFile::new_in(self.temporary())?.into_parts();
        Ok(Writer { file: File::from_std(file), path, size: 0, md5: Md5::new(), sha256: Sha256::new() })
    }

    /// Puts an object in its place; false if it must be new and there is one already. `last` is done at the same moment.
    pub(crate) fn put(
        &self,
        bucket: &str,
        key: &str,
        staged: Staged,
        must_be_new: bool,
        last: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<bool> {
        let place = self.object(bucket, key);
        let _guard = lock(&self.commit);
        if must_be_new && place.exists() {
            return Ok(false);
        }
        last()?;
        staged.keep(&place)?;
        Ok(true)
    }

    pub(crate) async fn find(&self, bucket: &str, key: &str) -> io::Result<Option<(File, Meta)>> {
        open(&self.object(bucket, key)).await
    }

    /// Removes an object, if there is one.
    pub(crate) fn remove(&self, bucket: &str, key: &str) -> io::Result<()> {
        unless_missing(fs::remove_file(self.object(bucket, key))).map(drop)
    }

    /// The keys of a bucket, in their order.
    pub(crate) fn keys(&self, bucket: &str) -> io::Result<Vec<String>> {
        let names = fs::read_dir(self.objects(bucket))?.map(|entry| Ok(entry?.file_name()));
        let names: Vec<_> = names.collect::<io::Result<_>>()?;
        let key = |name: &std::ffi::OsString| String::from_utf8(hex::decode(name.to_str()?).ok()?).ok();
        let mut keys: Vec<String> = names.iter().filter_map(key).collect();
        keys.sort();
        Ok(keys)
    }
}

impl Staged {
    /// Moves it to its place, over what is there.
    pub(crate) fn keep(self, place: &Path) -> io::Result<()> {
        self.path.persist(place).map_err(|error| error.error)
    }
}

impl Writer {
    /// Writes a stream to its end.
    pub(crate) async fn write_all(&mut self, mut content: StreamingBlob) -> Result<(), StdError> {
        while let Some(bytes) = content.try_next().await? {
            self.file.write_all(&bytes).await?;
            self.size += bytes.len() as u64;
            self.md5.update(&bytes);
            self.sha256.update(&bytes);
        }
        Ok(())
    }

    /// Ends the content. `describe` adds to what its bytes tell.
    pub(crate) async fn finish(mut self, describe: impl FnOnce(Meta) -> Meta) -> io::Result<Staged> {
        let meta = describe(Meta {
            size: self.size,
            etag: hex::encode(self.md5.finalize()),
            sha256: base64(self.sha256.finalize()),
            modified: ids::epoch_millis(ids::now()),
            ..Meta::default()
        });
        let text = serde_json::to_vec(&meta)?;
        self.file.write_all(&text).await?;
        self.file.write_all(&(text.len() as u64).to_le_bytes()).await?;
        self.file.flush().await?;
        Ok(Staged { path: self.path, meta })
    }
}

/// The content of a file that this module wrote, from its beginning on, and what is known of it.
pub(crate) async fn open(path: &Path) -> io::Result<Option<(File, Meta)>> {
    let Some(mut file) = unless_missing(File::open(path).await)? else { return Ok(None) };
    file.seek(SeekFrom::End(-8)).await?;
    let length = i64::try_from(file.read_u64_le().await?).map_err(io::Error::other)?;
    file.seek(SeekFrom::End(-8 - length)).await?;
    let mut text = Vec::new();
    file.read_to_end(&mut text).await?;
    text.truncate(text.len().saturating_sub(8));
    let meta = serde_json::from_slice(&text)?;
    file.rewind().await?;
    Ok(Some((file, meta)))
}

/// A part of a file's content.
pub(crate) async fn stream(mut file: File, from: u64, length: u64) -> io::Result<StreamingBlob> {
    file.seek(SeekFrom::Start(from)).await?;
    let chunks = stream::try_unfold((file, length), |(mut file, left)| async move {
        if left == 0 {
            return Ok::<_, io::Error>(None);
        }
        let mut bytes = Vec::new();
        (&mut file).take(left.min(CHUNK)).read_to_end(&mut bytes).await?;
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let left = left - bytes.len() as u64;
        Ok(Some((Bytes::from(bytes), (file, left))))
    });
    Ok(StreamingBlob::wrap(chunks))
}

pub(crate) fn unless_missing<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}
