//! Compiles the C reference library from the sources that `make bench-remote-id` names.

use std::{env, path::PathBuf};

fn main() {
    println!("cargo:rerun-if-env-changed=REFERENCE_C");
    let root =
        env::var_os("REFERENCE_C").expect("REFERENCE_C names the folder of opendroneid.c: use make bench-remote-id");
    let root = PathBuf::from(root);
    cc::Build::new()
        .include(&root)
        .define("ODID_DISABLE_PRINTF", None)
        .file(root.join("opendroneid.c"))
        .file(root.join("wifi.c"))
        .file("src/shim.c")
        .warnings(false)
        .compile("opendroneid");
    println!("cargo:rerun-if-changed=src/shim.c");
    println!("cargo:rustc-link-lib=m");
}
