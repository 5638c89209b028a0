//! Core modules of preview 1, a user's Go programs for one, as components: with the adapter that the Bytecode Alliance
//! keeps, and a way for exit codes around it, as it knows success and failure only.

use crate::program::START;
use anyhow::{Context, Result};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
};
use wasm_encoder::reencode::{self, Reencode, RoundtripReencoder};
use wasm_encoder::{ImportSection, Module};
use wasmparser::{Import, ImportSectionReader, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// What exit codes go by. It is called with what `proc_exit` is called with.
const EXIT: (&str, &str) = ("wasi:cli/exit@0.2.12", "exit-with-code");
const EXIT_WIT: &str = "
    package swarm-flow:module;
    world module { import wasi:cli/exit@0.2.12; }
    package wasi:cli@0.2.12 {
        interface exit { exit-with-code: func(status-code: u8); }
    }
";

/// The component that is this core module.
pub(crate) fn componentized(module: &[u8]) -> Result<Vec<u8>> {
    let mut module = with_exit_codes(module).context("cannot read the core module")?;
    let mut resolve = Resolve::default();
    let package = resolve.push_str("module.wit", EXIT_WIT)?;
    let world = resolve.select_world(&[package], None)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    ComponentEncoder::default()
        .module(&module)?
        .adapter(
            WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
            WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
        )?
        .encode()
        .context("the core module is no program of preview 1 of WASI")
}

/// What is known of a core module before it becomes a component.
#[derive(Default)]
pub(crate) struct Command {
    /// The imports that the adapter does not have.
    pub(crate) unknown: Vec<String>,
    /// It has where a command begins.
    pub(crate) starts: bool,
    /// It says its own interfaces: then its imports and exports are theirs.
    pub(crate) says_interfaces: bool,
}

impl Command {
    pub(crate) fn of(module: &[u8]) -> Result<Self> {
        let mut command = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import?;
                        if !is_of_preview1(&import)? {
                            let name = format!("`{}::{}`", import.module, import.name);
                            command.unknown.push(name);
                        }
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        command.starts |= export?.name == START;
                    }
                }
                Payload::CustomSection(section) => {
                    command.says_interfaces |= section.name().starts_with(INTERFACES);
                }
                _ => {}
            }
        }
        Ok(command)
    }
}

/// The sections in which a core module says the interfaces of the component that it is to become.
const INTERFACES: &str = "component-type";

fn is_of_preview1(import: &Import<'_>) -> Result<bool> {
    if import.module != WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME {
        return Ok(false);
    }
    for payload in Parser::new(0).parse_all(WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER) {
        if let Payload::ExportSection(exports) = payload? {
            for export in exports {
                if export?.name == import.name {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

fn with_exit_codes(module: &[u8]) -> Result<Vec<u8>> {
    let mut rewritten = Module::new();
    WithExitCodes.parse_core_module(&mut rewritten, Parser::new(0), module)?;
    Ok(rewritten.finish())
}

/// Copies a module and turns one import into another.
struct WithExitCodes;

impl Reencode for WithExitCodes {
    type Error = std::convert::Infallible;

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        for import in section.into_imports() {
            let mut import = import?;
            if (import.module, import.name) == (WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, "proc_exit") {
                (import.module, import.name) = EXIT;
            }
            RoundtripReencoder.parse_import(imports, import)?;
        }
        Ok(())
    }
}
