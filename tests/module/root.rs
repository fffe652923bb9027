//! `module.yaml` of the project is what `module render` makes of no options.
//!
//! `REGENERATE=1 cargo test --test module root` writes it anew.

use std::path::Path;

use super::support::run;

#[test]
fn root_module_is_a_render() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("module.yaml");
    let fresh = run(&["module", "render"]);
    assert_eq!((fresh.code, fresh.err.as_str()), (Some(0), ""));
    if std::env::var_os("REGENERATE").is_some() {
        std::fs::write(&path, &fresh.out).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == fresh.out, "module.yaml is not what `module render` makes; run this test with REGENERATE=1");
    let checked = run(&["module", "check", path.to_str().unwrap()]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(checked.out.contains("(0 errors, 0 warnings)"), "{checked:?}");
}
