//! Files that are whole at every instant: replaced as a whole, or longer by whole lines.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::store::folder;

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{option} {path} cannot be written", path = path.display())]
pub struct ExportError {
    option: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// A path that can be written, and the option that names it.
#[derive(Debug)]
struct Target {
    option: &'static str,
    path: PathBuf,
}

/// A file that is replaced when its text has changed.
#[derive(Debug)]
pub(super) struct Replaced {
    target: Target,
    text: Option<String>,
}

#[derive(Debug)]
pub(super) struct Appended {
    target: Target,
    head: String,
    file: Option<File>,
}

impl Target {
    fn checked(option: &'static str, path: PathBuf) -> Result<Self, ExportError> {
        let target = Self { option, path };
        target.check().map_err(|source| target.failed(source))?;
        Ok(target)
    }

    /// Fails if the file cannot be written; leaves it as it is.
    fn check(&self) -> io::Result<()> {
        make_folder(&self.path)?;
        if self.path.exists() {
            OpenOptions::new().write(true).open(&self.path)?;
        } else {
            tempfile::tempfile_in(folder(&self.path))?;
        }
        Ok(())
    }

    fn failed(&self, source: io::Error) -> ExportError {
        ExportError {
            option: self.option,
            path: self.path.clone(),
            source,
        }
    }
}

impl Replaced {
    /// The file at `path`, which `option` names; its contents stay until the first write.
    pub(super) fn begin(option: &'static str, path: PathBuf) -> Result<Self, ExportError> {
        Ok(Self {
            target: Target::checked(option, path)?,
            text: None,
        })
    }

    pub(super) fn is_at(&self, path: &Path) -> bool {
        self.target.path == path
    }

    /// Makes `text` the contents; if that fails, the old contents stay.
    pub(super) fn write(&mut self, text: &str) -> Result<(), ExportError> {
        let path = &self.target.path;
        if self.text.as_deref() == Some(text) && path.exists() {
            return Ok(());
        }
        replace(path, text).map_err(|source| self.target.failed(source))?;
        self.text = Some(text.to_owned());
        Ok(())
    }

    /// Removes the file, if it was written.
    pub(super) fn remove(self) -> Result<(), ExportError> {
        let removed = self.text.map(|_| fs::remove_file(&self.target.path));
        match removed {
            Some(Err(source)) if source.kind() != io::ErrorKind::NotFound => {
                Err(self.target.failed(source))
            }
            _ => Ok(()),
        }
    }
}

impl Appended {
    /// The file at `path`, which begins with a head; its old contents stay until the first lines.
    pub(super) fn begin(
        option: &'static str,
        path: PathBuf,
        head: String,
    ) -> Result<Self, ExportError> {
        Ok(Self {
            target: Target::checked(option, path)?,
            head,
            file: None,
        })
    }

    /// Adds lines; the first call writes the head before them, also if there are none.
    pub(super) fn append(&mut self, lines: &str) -> Result<(), ExportError> {
        self.write(lines)
            .map_err(|source| self.target.failed(source))
    }

    fn write(&mut self, lines: &str) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let mut file = File::create(&self.target.path)?;
                file.write_all(self.head.as_bytes())?;
                self.file.insert(file)
            }
        };
        file.write_all(lines.as_bytes())
    }
}

/// Puts a new file in the place of the old one, in one step; a pipe or a device is written to.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // the file that a link leads to is replaced, and not the link
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let there = fs::metadata(path).ok();
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        return fs::write(path, text);
    }
    make_folder(path)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".cicada-").suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder(path))?;
    if let Some(there) = there {
        file.as_file().set_permissions(there.permissions())?;
    }
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

/// Makes the folder of a file, which may be missing, as in Locust.
fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(folder(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_in_its_place_and_keeps_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/folder/report.html");
        let mut file = Replaced::begin("--html", path.clone()).unwrap();
        assert!(!path.exists());
        file.write("one").unwrap();
        let before = fs::metadata(&path).unwrap().permissions();
        assert!(!before.readonly());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let mut linked = Replaced::begin("--html", link.clone()).unwrap();
        linked.write("two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&path).unwrap().permissions(), before);
        let names = fs::read_dir(path.parent().unwrap()).unwrap();
        assert_eq!(names.count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_folder_and_what_lies_below_a_file_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        for (path, said) in [("", "Is a directory"), ("file/report.html", "File exists")] {
            let path = folder.path().join(path);
            let error = Replaced::begin("--html", path.clone()).unwrap_err();
            assert!(error.source.to_string().contains(said), "{error:?}");
            assert_eq!(
                error.to_string(),
                format!("--html {} cannot be written", path.display())
            );
        }
    }
}
