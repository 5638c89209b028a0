//! Real projects that tests run: fetched by the package client, pinned by version and hash, kept in the cache.

use crate::file;
use crate::project::{Project, cache};
use crate::step::{self, step};
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;

struct Fixture {
    file: &'static str,
    requirement: &'static str,
    sha256: &'static str,
}

/// Source distributions, with the projects' own tests.
const PROJECTS: [Fixture; 3] = [
    Fixture {
        file: "more_itertools-11.2.1.tar.gz",
        requirement: "more-itertools==11.2.1",
        sha256: "cbf08fd0af284dc69718b9b76a8e6203df624d70209ea511e4219d350c856f63",
    },
    Fixture {
        file: "idna-3.11.tar.gz",
        requirement: "idna==3.11",
        sha256: "795dafcc9c04ed0c1fb032c2aa73654d8e8c5023a7df64a53f39190ada629902",
    },
    Fixture {
        file: "toolz-1.1.0.tar.gz",
        requirement: "toolz==1.1.0",
        sha256: "27a5c770d068c110d9ed9323f24f1543e83b2f300a687b7891c1a6d56b697b5b",
    },
];

/// What those need to be tested: pytest and what it needs.
const PACKAGES: [Fixture; 5] = [
    Fixture {
        file: "iniconfig-2.3.1-py3-none-any.whl",
        requirement: "iniconfig==2.3.1",
        sha256: "9121e2c1fdb355232495be3194c8dfe87ccc2d5dee45947b78e68f499790d7a7",
    },
    Fixture {
        file: "packaging-26.3-py3-none-any.whl",
        requirement: "packaging==26.3",
        sha256: "d7193f7c8e4e93f444fde0262bf90af30e16fa0ad0ad44cb553c87339b23cd1c",
    },
    Fixture {
        file: "pluggy-1.7.0-py3-none-any.whl",
        requirement: "pluggy==1.7.0",
        sha256: "7dd7b0d8832ba3cb632c306926ded123429211b83641b35dc5c41ad2d34f9bec",
    },
    Fixture {
        file: "pygments-2.21.0-py3-none-any.whl",
        requirement: "pygments==2.21.0",
        sha256: "2363c69b61c4a97c838da3b130dcd6468f4848992b21a82f2a63ec34377137d9",
    },
    Fixture {
        file: "pytest-9.2.0-py3-none-any.whl",
        requirement: "pytest==9.2.0",
        sha256: "07acdcf88ec174f907dc01af70bf52d49b014bbab03faeeade31c96b18c2e588",
    },
];

/// `target/fixtures/FILE` for each, and `target/fixtures/npm` and `target/fixtures/aimock`.
pub fn fetch(project: &Project) -> Result<()> {
    fetch_from_npm(project, "npm", "the projects from npm are not tested")?;
    fetch_from_npm(project, "aimock", "agents that ask models are not tested")?;
    let missing = |fixture: &&Fixture| !path(project, fixture).exists();
    if !PROJECTS
        .iter()
        .chain(&PACKAGES)
        .any(|fixture| missing(&fixture))
    {
        return Ok(());
    }
    step("fetch the projects that tests run", || {
        for (fixtures, form) in [
            (&PROJECTS[..], "--no-binary"),
            (&PACKAGES[..], "--only-binary"),
        ] {
            for fixture in fixtures.iter().filter(missing) {
                fetch_one(project, fixture, form)?;
            }
        }
        Ok(())
    })
}

/// The packages of a folder in `tests/projects`, as its lock file says with a hash for each. `without` is what their absence means.
fn fetch_from_npm(project: &Project, folder: &str, without: &str) -> Result<()> {
    let out = project.root.join("target/fixtures").join(folder);
    let sources = project.root.join("tests/projects").join(folder);
    let lock = file::read(&sources.join("package-lock.json"))?;
    let mark = out.join("installed");
    if std::fs::read(&mark).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    if !step::exists("npm") {
        eprintln!("    `npm` is missing: {without}; install Node.js with npm and run this again");
        return Ok(());
    }
    step(&format!("fetch `{folder}` from npm"), || {
        for name in ["package.json", "package-lock.json"] {
            file::write_if_changed(&out.join(name), &file::read(&sources.join(name))?)?;
        }
        let mut npm = Command::new("npm");
        npm.args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]);
        step::run(npm.current_dir(&out))?;
        file::write_if_changed(&mark, &lock)
    })
}

fn path(project: &Project, fixture: &Fixture) -> std::path::PathBuf {
    project.root.join("target/fixtures").join(fixture.file)
}

fn fetch_one(project: &Project, fixture: &Fixture, form: &str) -> Result<()> {
    let out = path(project, fixture);
    let kept = cache().map(|cache| cache.join("fixtures").join(fixture.file));
    if let Some(kept) = kept.as_deref().filter(|kept| kept.exists()) {
        eprintln!("    found in the cache: {}", kept.display());
        return file::write_if_changed(&out, &file::read(kept)?);
    }
    let folder = project.root.join("target/fixtures/download");
    download(project, fixture, form, &folder)?;
    let archive = file::read(&folder.join(fixture.file))?;
    if let Some(Err(error)) = kept.map(|kept| file::write_if_changed(&kept, &archive)) {
        eprintln!("    not kept in the cache: {error:#}");
    }
    file::write_if_changed(&out, &archive)
}

/// By pip, of the environment that the programs were built in where there is one: not every Python has pip.
fn download(project: &Project, fixture: &Fixture, form: &str, folder: &Path) -> Result<()> {
    file::make_folder(folder)?;
    let requirements = folder.join("requirements.txt");
    let requirement = format!("{} --hash=sha256:{}", fixture.requirement, fixture.sha256);
    file::write_if_changed(&requirements, requirement.as_bytes())?;
    let of_venv = project.root.join("target/venv/bin/python");
    let python = if of_venv.exists() {
        of_venv
    } else {
        "python3".into()
    };
    let mut pip = Command::new(python);
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
    ])
    .args(["--no-deps", form, ":all:", "--requirement"])
    .arg(&requirements)
    .arg("--dest")
    .arg(folder);
    step::run(&mut pip).with_context(|| format!("download {}", fixture.requirement))
}
