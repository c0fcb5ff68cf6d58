//! The bare loop once more, built with the feature `loaded`: TLS by default, cookies and compression.

#[path = "bare.rs"]
mod bare;

fn main() -> anyhow::Result<()> {
    bare::main()
}
