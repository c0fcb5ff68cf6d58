//! The rights of a database file: its owner's alone, because workloads and the answers of targets have secrets.
//!
//! SQLite gives the files beside a database (`-wal`, `-shm`, `-journal`) the rights of the database.

use std::path::Path;

/// Creates the file for its owner alone, unless it is there. An error shows when the file is opened.
pub(super) fn create(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let _ = options.open(path);
}

/// Takes the rights of others from a file and from the files beside it.
pub(super) fn tighten(path: &Path) {
    // these lie beside the file that a link leads to
    #[cfg(unix)]
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut name = path.into_os_string();
        name.push(suffix);
        owned(Path::new(&name));
    }
    #[cfg(not(unix))]
    let _ = path;
}

#[cfg(unix)]
fn owned(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;

    const OTHERS: u32 = 0o077;

    let Ok(file) = std::fs::metadata(path) else {
        return;
    };
    let mut rights = file.permissions();
    if !file.is_file() || rights.mode() & OTHERS == 0 {
        return;
    }
    rights.set_mode(rights.mode() & 0o7777 & !OTHERS);
    let shown = path.display();
    match std::fs::set_permissions(path, rights) {
        Ok(()) => {
            tracing::info!(
                "{shown} was open to other users of this machine: their rights are taken"
            )
        }
        Err(error) => tracing::warn!(
            %error,
            "{shown} is open to other users of this machine: take their rights with chmod 600"
        ),
    }
}
