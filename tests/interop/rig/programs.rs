//! Whether what a test needs is there. Without it the test says so in print; with `CI=true` that is a failure.

use std::path::Path;

/// Whether all of these programs are installed, and whether we are root where `root` is needed.
pub(crate) fn there(test: &str, programs: &[&str]) -> bool {
    let mut missing: Vec<String> =
        programs.iter().filter(|p| !Path::new(p).exists()).map(|p| (*p).to_owned()).collect();
    if !rustix::process::geteuid().is_root() {
        missing.push("root's rights".to_owned());
    }
    if missing.is_empty() {
        return true;
    }
    let missing = missing.join(", ");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{test}: needs {missing}");
    println!("skipped: {test}: needs {missing}");
    false
}
