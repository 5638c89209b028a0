//! Programs in Rust: packages of the workspace, built together; some are started once here, and what that left in their
//! memory is the image that a runner starts from.

use super::Source;
use super::kept::Kept;
use super::key::Keys;
use crate::build::need_wasm_target;
use crate::file;
use crate::project::{INITIALISE, Profile, Project};
use crate::step;
use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The compiler of what programs have in C, from the package index of Python.
const ZIG: &str = "ziglang==0.17.1";

pub fn build(project: &Project, sources: &[Source]) -> Result<()> {
    let keys = Keys::new(project)?;
    let mut missing = Vec::new();
    for source in sources {
        let kept = Kept::of(&source.name, &keys.of(source)?);
        if kept.take(&source.out(project))? {
            source.describe(project)?;
        } else {
            missing.push((source, kept));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    need_wasm_target(project)?;
    let (c, plain): (Vec<_>, Vec<_>) = missing.into_iter().partition(|(source, _)| source.build.c);
    if !plain.is_empty() {
        cargo_build(project, &plain, None)?;
        finish(project, &plain)?;
    }
    if c.is_empty() {
        return Ok(());
    }
    if !step::exists("python3") {
        for (source, _) in c {
            eprintln!(
                "    `python3` is missing, which brings the C compiler: the program `{}` is not built and commands that name it will fail;",
                source.name
            );
        }
        eprintln!("    install Python 3.10 or newer with its `venv` module and run this again");
        return Ok(());
    }
    let venv = zig(project)?;
    for one in &c {
        let tools = c_tools(&venv, one.0)?;
        cargo_build(project, std::slice::from_ref(one), Some(&tools))?;
    }
    finish(project, &c)
}

/// A program that is to be built, and where it is kept.
type Missing<'a> = (&'a Source, Kept);

/// The name of a program's package.
pub fn package(source: &Source) -> String {
    format!("swarm-flow-{}", source.name)
}

fn cargo_build(project: &Project, missing: &[Missing<'_>], zig: Option<&PathBuf>) -> Result<()> {
    let mut cargo = project.cargo_for_wasm();
    for (source, _) in missing {
        cargo.arg("--package").arg(package(source));
    }
    if let Some(zig) = zig {
        cargo
            .env("CC_wasm32_wasip2", zig.join("cc"))
            .env("AR_wasm32_wasip2", zig.join("ar"))
            .env("RQUICKJS_SYS_NO_WASI_SDK", "1");
    }
    step::run(&mut cargo)
}

fn finish(project: &Project, missing: &[Missing<'_>]) -> Result<()> {
    for (source, kept) in missing {
        let built = file::read(&built(project, source))?;
        match &source.build.initialise {
            None => file::write_if_changed(&source.out(project), &built)?,
            Some(export) => initialise(project, source, export, &built)?,
        }
        source.describe(project)?;
        kept.keep(&source.out(project));
    }
    Ok(())
}

/// A binary keeps the program's name, a library has the package's.
fn built(project: &Project, source: &Source) -> PathBuf {
    let library = project.wasm(&package(source));
    if source.folder.join("src/main.rs").exists() {
        library.with_file_name(format!("{}.wasm", source.name))
    } else {
        library
    }
}

fn initialise(project: &Project, source: &Source, export: &str, built: &[u8]) -> Result<()> {
    let out = source.out(project);
    let mark = out.with_extension("sources");
    let digest = format!("{export} {:x}", Sha256::digest(built));
    if out.exists() && fs::read_to_string(&mark).is_ok_and(|known| known == digest) {
        return Ok(());
    }
    let plain = out.with_extension("plain");
    file::write_if_changed(&plain, built)?;
    let image = out.with_extension("image");
    step::run(&mut project.cargo(&["build", "--package", INITIALISE]))?;
    let mut command = Command::new(project.binary(Profile::Dev, "initialise"));
    step::run(command.arg(&plain).arg(export).arg(&image))
        .with_context(|| format!("start the program `{}`", source.name))?;
    file::write_if_changed(&out, &file::read(&image)?)?;
    for left in [plain, image] {
        fs::remove_file(&left).with_context(|| format!("remove {}", left.display()))?;
    }
    file::write_if_changed(&mark, digest.as_bytes())
}

/// Where the C compiler is installed.
fn zig(project: &Project) -> Result<PathBuf> {
    let venv = project.root.join("target/venv-zig");
    let mark = venv.join("installed");
    if !fs::read_to_string(&mark).is_ok_and(|installed| installed == ZIG) {
        eprintln!("    installing {ZIG} into {}", venv.display());
        let mut make = Command::new("python3");
        step::run(make.args(["-I", "-m", "venv", "--clear"]).arg(&venv))?;
        let mut install = Command::new(venv.join("bin/python"));
        let quietly = ["install", "--quiet", "--disable-pip-version-check", ZIG];
        step::run(install.args(["-I", "-m", "pip"]).args(quietly))?;
        file::write_if_changed(&mark, ZIG.as_bytes())?;
    }
    Ok(venv)
}

/// A folder with `cc` and `ar` for WebAssembly. A program may bring a compiler of its own, `build/cc.py`, that calls zig.
fn c_tools(venv: &Path, source: &Source) -> Result<PathBuf> {
    let own = source.folder.join("build/cc.py");
    // Cargo compiles C again when the compiler's path is another one.
    let version = match own.parent() {
        Some(folder) if own.exists() => file::digest(folder, &[])?,
        _ => String::new(),
    };
    let tools = venv.join(format!("tools-{}-{version:.8}", source.name));
    file::make_folder(&tools)?;
    let cc = if own.exists() {
        format!("\"{}\" \"$@\"", own.display())
    } else {
        // Rust's name of the target comes with the arguments and zig does not know it: the last one counts.
        "-m ziglang cc \"$@\" -target wasm32-wasi".to_owned()
    };
    let python = venv.join("bin/python");
    for (name, arguments) in [("cc", cc.as_str()), ("ar", "-m ziglang ar \"$@\"")] {
        let script = format!("#!/bin/sh\nexec \"{}\" {arguments}\n", python.display());
        let path = tools.join(name);
        file::write_if_changed(&path, script.as_bytes())?;
        make_executable(&path)?;
    }
    Ok(tools)
}

fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let permissions = fs::Permissions::from_mode(0o755);
    fs::set_permissions(path, permissions)
        .with_context(|| format!("mark {} as a program", path.display()))
}
