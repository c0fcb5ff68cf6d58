//! Embeds the web page that `scripts/page.sh` builds into `aggregator/web/page`; without it there is none, and that is
//! no error: whoever has no Node.js still builds everything else.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Where the server writes Locust's template arguments into the page.
const MARKER: &str = "TEMPLATE_ARGS";

/// What the compressed twins of a file are called after it.
const TWINS: [&str; 2] = ["br", "gz"];

fn main() {
    // the folder is kept in git, so that cargo has something to watch
    println!("cargo::rerun-if-changed=page");
    println!("cargo::rerun-if-changed=build.rs");
    let built = folder("CARGO_MANIFEST_DIR").join("page");
    let out = folder("OUT_DIR");
    let page = match fs::read_to_string(built.join("index.html")) {
        Ok(index) => page(&built.join("assets"), &index, &out),
        Err(error) if error.kind() == io::ErrorKind::NotFound => "None".to_owned(),
        Err(error) => panic!("aggregator/web/page/index.html cannot be read: {error}"),
    };
    fs::write(out.join("page.rs"), page).expect("cargo's own folder can be written");
}

/// The page as an expression of Rust.
fn page(assets: &Path, index: &str, out: &Path) -> String {
    let (before, after) = index.split_once(MARKER).unwrap_or_else(|| {
        panic!("aggregator/web/page/index.html has no {MARKER}: run scripts/page.sh")
    });
    let names = fs::read_dir(assets).expect("a built page has aggregator/web/page/assets");
    let names = names.map(|entry| {
        entry
            .expect("a folder that was opened can be read")
            .file_name()
    });
    let names = names.map(|name| name.into_string().expect("vite names its files in ASCII"));
    let mut names: Vec<String> = names.filter(|name| !is_twin(name)).collect();
    names.sort();
    let files: String = names.iter().map(|name| file(assets, name, out)).collect();
    format!("Some(Page {{ before: {before:?}, after: {after:?}, files: &[{files}] }})")
}

fn is_twin(name: &str) -> bool {
    let extension = Path::new(name).extension();
    TWINS.iter().any(|twin| extension == Some(twin.as_ref()))
}

fn file(assets: &Path, name: &str, out: &Path) -> String {
    let (plain, tag) = embedded(&assets.join(name), out).unwrap_or_else(|| {
        panic!("aggregator/web/page/assets/{name} is gone: run scripts/page.sh")
    });
    let [brotli, gzip] = TWINS.map(|twin| {
        let twin = embedded(&assets.join(format!("{name}.{twin}")), out);
        twin.map_or_else(|| "None".to_owned(), |(twin, _)| format!("Some({twin})"))
    });
    format!(
        "File {{ name: {name:?}, tag: {tag:?}, plain: {plain}, brotli: {brotli}, gzip: {gzip} }},"
    )
}

/// A file's bytes as an expression of Rust, and an entity tag for them.
///
/// It is copied first: the page may be built again while this is compiled.
fn embedded(path: &Path, out: &Path) -> Option<(String, String)> {
    let bytes = fs::read(path).ok()?;
    let mut digest = DefaultHasher::new();
    bytes.hash(&mut digest);
    let digest = format!("{:016x}", digest.finish());
    let copy = out.join(&digest);
    fs::write(&copy, bytes).expect("cargo's own folder can be written");
    Some((
        format!("include_bytes!({copy:?})"),
        format!("W/\"{digest}\""),
    ))
}

fn folder(variable: &str) -> PathBuf {
    PathBuf::from(env::var_os(variable).expect("cargo says where its folders are"))
}
