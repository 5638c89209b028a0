//! What the taken modules expect of the crate that they come from.

use rquickjs::Ctx;

/// Whether a warning about a package was shown. None is shown here.
pub fn node_package_deprecation_warning_seen(_: &Ctx<'_>, _: &str) -> bool {
    true
}

pub fn mark_node_package_deprecation_warning_seen(_: &Ctx<'_>, _: String) {}
