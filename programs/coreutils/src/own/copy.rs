//! `cp`: upstream's, without what it keeps of a file by means that WASI lacks. Times are set behind it; there are no
//! modes and no owners to keep.

use super::file::is_device;
use super::{Call, upstream};
use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use swarm_flow_posix::reason;

pub fn main(call: &Call) -> i32 {
    let mut arguments = Vec::new();
    let mut keep = false;
    for argument in &call.arguments {
        match argument.as_str() {
            "--archive" => {
                keep = true;
                arguments.push("-dR".to_owned());
            }
            "--preserve" => keep = true,
            option if option.starts_with("--preserve=") => keep = true,
            option
                if option.starts_with('-')
                    && !option.starts_with("--")
                    && option.contains(['a', 'p']) =>
            {
                keep = true;
                let rest = option.replace('a', "dR").replace('p', "");
                if rest != "-" {
                    arguments.push(rest);
                }
            }
            other => arguments.push(other.to_owned()),
        }
    }
    // Where each goes is seen before it is there.
    let mut pairs = pairs(&arguments);
    let devices = pairs.extract_if(.., |(from, _)| is_device(&from.to_string_lossy()));
    let devices: Vec<_> = devices.collect();
    arguments.retain(|argument| devices.iter().all(|(from, _)| from != Path::new(argument)));
    let mut code = 0;
    for (from, to) in &devices {
        code |= copy_device(call, from, to);
    }
    if devices.is_empty() || !pairs.is_empty() {
        code |= upstream("cp", &arguments);
    }
    if !keep {
        return code;
    }
    pairs.iter().for_each(|(from, to)| keep_times(from, to));
    code
}

/// Upstream's takes only files and folders. A folder that takes several is the last operand of either part.
fn copy_device(call: &Call, from: &Path, to: &Path) -> i32 {
    let copied =
        File::open(from).and_then(|mut from| std::io::copy(&mut from, &mut File::create(to)?));
    match copied {
        Ok(_) => 0,
        Err(error) => {
            let (from, to) = (from.display(), to.display());
            call.complain(&format!(
                "cannot copy '{from}' to '{to}': {}",
                reason(&error)
            ));
            1
        }
    }
}

fn pairs(arguments: &[String]) -> Vec<(PathBuf, PathBuf)> {
    let target = arguments.iter().position(|argument| argument == "-t");
    let folder = target.and_then(|at| arguments.get(at + 1));
    let into = !arguments
        .iter()
        .any(|argument| argument == "-T" || argument == "-rT" || argument == "-dRT");
    let mut operands: Vec<&String> = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-') && Some(*argument) != folder)
        .collect();
    let Some(target) = folder.or_else(|| operands.pop()) else {
        return Vec::new();
    };
    let target = Path::new(target);
    let inside = into && target.is_dir();
    let place = |from: &Path| match (inside, from.file_name()) {
        (true, Some(name)) => target.join(name),
        _ => target.to_owned(),
    };
    operands
        .iter()
        .map(|from| (PathBuf::from(from), place(Path::new(from))))
        .collect()
}

/// Of a tree that was copied, folders last: what is written into one changes its time.
fn keep_times(from: &Path, to: &Path) {
    let mut open = vec![(from.to_owned(), to.to_owned())];
    let mut all = Vec::new();
    while let Some((from, to)) = open.pop() {
        if from.is_dir() && !from.is_symlink() {
            for entry in fs::read_dir(&from).into_iter().flatten().flatten() {
                open.push((entry.path(), to.join(entry.file_name())));
            }
        }
        all.push((from, to));
    }
    for (from, to) in all.iter().rev() {
        let Ok(found) = fs::symlink_metadata(from) else {
            continue;
        };
        let (Ok(modified), false) = (found.modified(), found.is_symlink()) else {
            continue;
        };
        let times = FileTimes::new()
            .set_modified(modified)
            .set_accessed(found.accessed().unwrap_or(modified));
        // A time that cannot be set is a pity; the copy is there.
        let _ = File::options()
            .read(true)
            .write(!found.is_dir())
            .open(to)
            .and_then(|file| file.set_times(times));
    }
}
