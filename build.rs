//! The scripts are part of the binary: a new or changed one is a reason to build it again.

fn main() {
    println!("cargo:rerun-if-changed=stdlib");
    println!("cargo:rerun-if-changed=runbooks");
}
