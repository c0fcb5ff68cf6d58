//! Files that are whole at every instant: replaced as a whole, or longer by whole lines.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::ExportError;

/// A file that is replaced when what it says has changed.
#[derive(Debug)]
pub(super) struct Replaced {
    option: &'static str,
    path: PathBuf,
    said: Option<String>,
}

/// A file that grows.
#[derive(Debug)]
pub(super) struct Appended {
    option: &'static str,
    path: PathBuf,
    head: String,
    file: Option<File>,
}

impl Replaced {
    /// A file at `path`, which `option` asks for; what is there stays for now.
    ///
    /// # Errors
    /// When it could not be written.
    pub(super) fn begin(option: &'static str, path: PathBuf) -> Result<Self, ExportError> {
        let new = Self {
            option,
            path,
            said: None,
        };
        check(&new.path).map_err(|source| new.failed(source))?;
        Ok(new)
    }

    /// Whether it is the file at `path`.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        self.path == path
    }

    /// Says this from now on.
    ///
    /// # Errors
    /// When it cannot be written; what was there stays.
    pub(super) fn write(&mut self, text: &str) -> Result<(), ExportError> {
        if self.said.as_deref() == Some(text) && self.path.exists() {
            return Ok(());
        }
        replace(&self.path, text).map_err(|source| self.failed(source))?;
        self.said = Some(text.to_owned());
        Ok(())
    }

    /// Takes the file away, if it was written.
    ///
    /// # Errors
    /// When it stays.
    pub(super) fn remove(self) -> Result<(), ExportError> {
        let removed = self.said.as_ref().map(|_| fs::remove_file(&self.path));
        match removed {
            Some(Err(source)) if source.kind() != io::ErrorKind::NotFound => {
                Err(self.failed(source))
            }
            _ => Ok(()),
        }
    }

    fn failed(&self, source: io::Error) -> ExportError {
        failed(self.option, &self.path, source)
    }
}

impl Appended {
    /// A file at `path` that begins with a head; what is there stays until the first lines come.
    ///
    /// # Errors
    /// When it could not be written.
    pub(super) fn begin(
        option: &'static str,
        path: PathBuf,
        head: String,
    ) -> Result<Self, ExportError> {
        let begun = Self {
            option,
            path,
            head,
            file: None,
        };
        check(&begun.path).map_err(|source| begun.failed(source))?;
        Ok(begun)
    }

    /// Adds lines, or none: then at least the head is there.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(super) fn append(&mut self, lines: &str) -> Result<(), ExportError> {
        self.write(lines).map_err(|source| self.failed(source))
    }

    fn write(&mut self, lines: &str) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let mut file = File::create(&self.path)?;
                file.write_all(self.head.as_bytes())?;
                self.file.insert(file)
            }
        };
        file.write_all(lines.as_bytes())
    }

    fn failed(&self, source: io::Error) -> ExportError {
        failed(self.option, &self.path, source)
    }
}

fn failed(option: &'static str, path: &Path, source: io::Error) -> ExportError {
    ExportError {
        option,
        path: path.to_owned(),
        source,
    }
}

/// Whether a file could be written, without writing it.
fn check(path: &Path) -> io::Result<()> {
    make_folder(path)?;
    if path.exists() {
        OpenOptions::new().write(true).open(path)?;
    } else {
        tempfile::tempfile_in(folder(path))?;
    }
    Ok(())
}

/// Puts a new file where the old one is, in one step; a pipe or a device is written to.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // what a link leads to is replaced, and not the link
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

/// As in Locust, the folder of a file need not be there.
fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(folder(path))
}

fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    folder.unwrap_or(Path::new("."))
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
