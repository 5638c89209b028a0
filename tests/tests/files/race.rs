//! A path that changes between the look and the use: links that take the place of directories while others walk through.

use super::world::{World, said};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use swarm_flow_policy::Access::ReadWrite;

/// How long each race goes on.
const MILLISECONDS: u64 = 1_000;

/// Puts a link to `target` in the place of the directory `at` and the directory back, until it is told to stop. What
/// others put in its place meanwhile is removed.
pub fn swap(at: &Path, target: &Path, stop: &AtomicBool) {
    let (aside, link) = (at.with_extension("aside"), at.with_extension("link"));
    while !stop.load(Ordering::Relaxed) {
        symlink(target, &link).unwrap();
        std::fs::rename(at, &aside).unwrap();
        while std::fs::rename(&link, at).is_err() {
            _ = std::fs::remove_dir_all(at);
        }
        std::fs::remove_file(at).unwrap();
        while std::fs::rename(&aside, at).is_err() {
            _ = std::fs::remove_dir_all(at);
        }
    }
}

/// Tells the one who swaps to stop, however the race ends.
pub struct Stop<'a>(pub &'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// `swapped/secret` says `inside`; a link in the place of `swapped` leads to where it says otherwise.
fn world() -> World {
    let world = World::new();
    std::fs::create_dir(world.path("inside/swapped")).unwrap();
    std::fs::write(world.path("inside/swapped/secret"), "inside").unwrap();
    std::fs::create_dir(world.path("inside/other")).unwrap();
    std::fs::write(world.path("inside/other/secret"), "other").unwrap();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_another_sandbox_swaps_for_a_link_leads_nowhere() {
    let read = format!("race\t/workspace:swapped/secret\t{MILLISECONDS}");
    for (target, other) in [
        ("../outside", ""),
        // The twin: a link that stays within is followed.
        ("other", "other"),
    ] {
        let world = world();
        let swap = format!("swap\t/workspace:swapped\t{target}\t{MILLISECONDS}");
        let (reads, swaps) = tokio::join!(
            tokio::spawn(one(world.workspace(ReadWrite), read.clone())),
            tokio::spawn(one(world.workspace(ReadWrite), swap)),
        );
        assert_eq!(swaps.unwrap(), "granted");
        let expected = format!("granted sometimes inside, other: {other:?}");
        assert_eq!(reads.unwrap(), expected, "{target}");
        world.is_whole(target);
    }
}

async fn one(directories: Vec<swarm_flow_sandbox::Directory>, line: String) -> String {
    said(directories, &[&line]).await.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_the_host_swaps_for_a_link_leads_nowhere() {
    let world = world();
    let stop = Arc::new(AtomicBool::new(false));
    let (at, target) = (world.path("inside/swapped"), world.path("outside"));
    let told = stop.clone();
    let swapping = std::thread::spawn(move || swap(&at, &target, &told));
    let line = format!("race\t/workspace:swapped/secret\t{MILLISECONDS}");
    let read = one(world.workspace(ReadWrite), line).await;
    stop.store(true, Ordering::Relaxed);
    swapping.join().unwrap();
    assert_eq!(read, "granted sometimes inside, other: \"\"");
    world.is_whole("the host's own link");
}
