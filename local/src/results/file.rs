//! A file of rows that is put aside when it has its size, and the next one begun.
//!
//! The file by its name is always the newest; older ones have numbers before their ends, `results.1.csv` the oldest.
//! One that is there at the start is put aside too, so nothing is written over. Each write of a packed file is a member
//! of gzip of its own: it can be read while it grows, and after `kill -9` all but its last second.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::row::Row;
use super::target::FileTarget;
use crate::store::folder;

/// When a file is put aside, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// A file of so many bytes or more gets no further rows.
    pub max_size: u64,
    /// The files that there are at most, the newest with them; all if it is not set.
    pub max_files: Option<u32>,
}

/// A size as Docker writes it: `500k`, `100m`, `1g`, or a number of bytes.
pub fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit: u64 = match &*text[digits.len()..].to_ascii_lowercase() {
        "" | "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        "g" | "gb" => 1 << 30,
        _ => 0,
    };
    let number: Option<u64> = digits.parse().ok();
    let size = number.and_then(|number| number.checked_mul(unit));
    size.filter(|size| *size > 0)
        .ok_or_else(|| "must be a size such as 500k, 100m or 1g".to_owned())
}

/// The newest file and its past ones.
#[derive(Debug)]
pub(super) struct RotatedFile {
    target: FileTarget,
    rotation: Rotation,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// The bytes that were written whole.
    size: u64,
    /// False for a pipe or a device.
    is_file: bool,
}

impl RotatedFile {
    /// Makes the file, and its folder.
    pub(super) fn create(target: FileTarget, rotation: Rotation) -> io::Result<Self> {
        fs::create_dir_all(folder(&target.path))?;
        let mut file = Self {
            target,
            rotation,
            open: None,
        };
        file.open = Some(file.begin()?);
        Ok(file)
    }

    /// Writes rows; all of them or, with an error, none.
    pub(super) fn write(&mut self, rows: &[Row]) -> io::Result<()> {
        let is_full = |open: &Open| open.is_file && open.size >= self.rotation.max_size;
        let mut open = match self.open.take() {
            Some(open) if !is_full(&open) => open,
            _ => self.begin()?,
        };
        let mut text = Vec::new();
        if open.size == 0 {
            text.extend_from_slice(self.target.format.head().as_bytes());
        }
        self.target.format.write(rows, &mut text)?;
        if self.target.gzip {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&text)?;
            text = encoder.finish()?;
        }
        if let Err(error) = open.file.write_all(&text) {
            // no part of a row stays behind, or the next try has a file of its own
            let end = SeekFrom::Start(open.size);
            let cut = open.file.set_len(open.size);
            if cut.and_then(|()| open.file.seek(end)).is_ok() {
                self.open = Some(open);
            }
            return Err(error);
        }
        open.size += text.len() as u64;
        self.open = Some(open);
        Ok(())
    }

    /// A new file under the name; the one that has it is put aside, unless it is empty.
    fn begin(&self) -> io::Result<Open> {
        let path = &self.target.path;
        let there = fs::metadata(path).ok();
        if there
            .as_ref()
            .is_some_and(|there| there.is_file() && there.len() > 0)
        {
            self.put_aside()?;
        }
        let is_file = there.is_none_or(|there| there.is_file());
        let file = OpenOptions::new()
            .create(is_file)
            .truncate(is_file)
            .write(true)
            .open(path)?;
        Ok(Open {
            file,
            size: 0,
            is_file,
        })
    }

    fn put_aside(&self) -> io::Result<()> {
        let (stem, end) = parts(&self.target.path);
        let mut numbers: Vec<u32> = fs::read_dir(folder(&self.target.path))?
            .filter_map(|entry| number(entry.ok()?.file_name().to_str()?, &stem, &end))
            .collect();
        numbers.sort_unstable();
        let numbered = |number: u32| {
            self.target
                .path
                .with_file_name(format!("{stem}.{number}{end}"))
        };
        let next = numbers.last().map_or(1, |last| last.saturating_add(1));
        // renamed before an old one goes, so that an error loses nothing
        fs::rename(&self.target.path, numbered(next))?;
        numbers.push(next);
        if let Some(most) = self.rotation.max_files {
            let past = most.saturating_sub(1) as usize;
            for old in &numbers[..numbers.len().saturating_sub(past)] {
                fs::remove_file(numbered(*old))?;
            }
        }
        Ok(())
    }
}

/// A file's name, parted before its end: `results` and `.csv.gz`.
fn parts(path: &Path) -> (String, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let plain = name.len() - if has_end(&name, ".gz") { 3 } else { 0 };
    let stem = name[..plain].rfind('.').unwrap_or(plain);
    (name[..stem].to_owned(), name[stem..].to_owned())
}

fn has_end(name: &str, end: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case(end.trim_start_matches('.')))
}

/// The number of a file that was put aside.
fn number(name: &str, stem: &str, end: &str) -> Option<u32> {
    let number = name.strip_prefix(stem)?.strip_prefix('.')?;
    number.strip_suffix(end)?.parse().ok()
}

/// A path for people who did not expect it to fail.
pub(super) fn remedy(path: &Path, error: io::Error) -> anyhow::Error {
    let said = format!(
        "--results {} cannot be written: name a file in a folder that may be written",
        path.display()
    );
    anyhow::Error::new(error).context(said)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::MultiGzDecoder;

    use super::*;
    use crate::results::target::Target;

    fn created(path: &Path, max_size: u64, max_files: Option<u32>) -> io::Result<RotatedFile> {
        let Ok(Target::File(target)) = path.to_str().unwrap().parse() else {
            panic!("it is no file");
        };
        let rotation = Rotation {
            max_size,
            max_files,
        };
        RotatedFile::create(target, rotation)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_size_has_a_unit_or_none() {
        for (text, bytes) in [
            ("1", 1),
            ("500k", 512_000),
            ("100M", 104_857_600),
            ("2gb", 2 << 30),
        ] {
            assert_eq!(size(text), Ok(bytes));
        }
        for text in ["", "0", "k", "-1k", "1.5g", "1t", "99999999999g", "1é"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_that_has_its_size_is_put_aside_and_every_one_begins_with_the_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/all.csv");
        let mut file = created(&path, 300, None).unwrap();
        for user in 0..4 {
            file.write(&[Row::example(user)]).unwrap();
        }
        drop(file);
        // nor is anything lost that another process has written
        let mut file = created(&path, 300, None).unwrap();
        file.write(&[Row::example(4)]).unwrap();
        let folder = path.parent().unwrap();
        assert_eq!(
            names(folder),
            [
                "all.1.csv",
                "all.2.csv",
                "all.3.csv",
                "all.4.csv",
                "all.csv"
            ]
        );
        for (name, user) in [("all.1.csv", "0"), ("all.4.csv", "3"), ("all.csv", "4")] {
            let mut reader = csv::Reader::from_path(folder.join(name)).unwrap();
            let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            assert_eq!((rows.len(), &rows[0][3]), (1, user), "{name}");
        }
    }

    #[test]
    fn only_so_many_files_are_kept_the_newest_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = created(&folder.path().join("a.b.jsonl"), 1, Some(3)).unwrap();
        fs::write(folder.path().join("a.b.x.jsonl"), "somebody else's").unwrap();
        for user in 0..12 {
            file.write(&[Row::example(user)]).unwrap();
        }
        assert_eq!(
            names(folder.path()),
            ["a.b.10.jsonl", "a.b.11.jsonl", "a.b.jsonl", "a.b.x.jsonl"]
        );
        let mut file = created(&folder.path().join("one.jsonl"), 1, Some(1)).unwrap();
        file.write(&[Row::example(0)]).unwrap();
        file.write(&[Row::example(1)]).unwrap();
        let text = fs::read_to_string(folder.path().join("one.jsonl")).unwrap();
        assert!(text.contains("\"user_index\":1,"), "{text}");
        assert!(!folder.path().join("one.1.jsonl").exists());
    }

    #[test]
    fn a_packed_file_can_be_read_after_every_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.jsonl.gz");
        let mut file = created(&path, 1_000_000, None).unwrap();
        for user in 0..3 {
            file.write(&[Row::example(user), Row::example(user)])
                .unwrap();
            let mut text = String::new();
            let packed = File::open(&path).unwrap();
            MultiGzDecoder::new(packed)
                .read_to_string(&mut text)
                .unwrap();
            assert_eq!(text.lines().count(), 2 * (user as usize + 1));
        }
        let (stem, end) = parts(&path);
        assert_eq!((&*stem, &*end), ("all", ".jsonl.gz"));
    }

    #[test]
    fn a_file_that_cannot_be_made_is_an_error_and_a_device_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let error = created(&folder.path().join("file/all.csv"), 1, None).unwrap_err();
        let said = remedy(Path::new("file/all.csv"), error).to_string();
        assert!(
            said.starts_with("--results file/all.csv cannot be written: "),
            "{said}"
        );
        assert!(created(folder.path().join("x.csv").as_path(), 1, None).is_ok());
        let null = folder.path().join("null.csv");
        std::os::unix::fs::symlink("/dev/null", &null).unwrap();
        let mut file = created(&null, 1, None).unwrap();
        file.write(&[Row::example(0)]).unwrap();
        file.write(&[Row::example(0)]).unwrap();
        assert!(!folder.path().join("null.1.csv").exists());
    }
}
