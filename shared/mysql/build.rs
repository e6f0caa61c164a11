//! Rebuilds the crate when a migration is added, since they are embedded in it.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
