// A start: from the command line to the exit code.

import native from 'lib:internal/native';
import process, { renew as renewProcess } from 'lib:process';
import { renew as renewTime } from 'lib:perf_hooks';
import path from 'lib:path';
import * as loop from 'lib:internal/loop';
import { writeError, writeText, readStdin } from 'lib:internal/stdio';
import { builtin } from 'lib:internal/registry';
import { BadOption, HELP, parse, words } from 'lib:internal/options';
import { fatal, onRejection, setMode, tellRejections } from 'lib:internal/fatal';
import * as modules from 'lib:module';
import * as tests from 'lib:test';
import { runFiles } from 'lib:internal/test_files';
import { connect } from 'lib:internal/channel';
import { formatWithOptions } from 'lib:internal/util/inspect';

export const rejection = onRejection;

export function main() {
    native.seedRandom();
    renewProcess();
    renewTime();
    connect();
    loop.onFatal((error) => { if (!tests.blame(error)) fatal(error); }, tellRejections);
    const [name = 'node', ...args] = native.args();
    process.argv0 = name;
    process.argv = [process.execPath];
    let options;
    try {
        options = parse([...words(process.env.NODE_OPTIONS ?? ''), ...args]);
    } catch (error) {
        if (!(error instanceof BadOption)) throw error;
        writeError(`node: ${error.message}\n`);
        return 9;
    }
    process.execArgv = options.execArgv;
    if (options.version) return print(`${process.version}\n`);
    if (options.help) return print(HELP);
    try {
        prepare(options);
        loop.turn(() => begin(options), undefined, []);
        for (;;) {
            loop.run();
            tests.settle();
            process.emit('beforeExit', Number(process.exitCode ?? 0));
            loop.drain();
            if (!loop.alive()) break;
        }
    } catch (error) {
        fatal(error);
    }
    if (unsettled) {
        writeError(`Warning: Detected unsettled top-level await at ${unsettled}\n`);
        process.exitCode ??= 13;
    }
    process.exit();
    return 0;
}

const print = (text) => {
    writeText(1, text);
    return 0;
};

function prepare(options) {
    for (const name of ['noDeprecation', 'throwDeprecation', 'traceDeprecation']) if (options[name]) process[name] = true;
    modules.conditions.extra = options.conditions;
    if (options.rejections) setMode(options.rejections);
    if (options.stackLimit) Error.stackTraceLimit = Number(options.stackLimit);
    if (options.exposeGc) globalThis.gc = () => native.collect();
    if (options.title) process.title = options.title;
    const fs = builtin('fs');
    const files = [...options.envFile, ...options.envFileIfExists.filter((file) => fs.existsSync(file))];
    for (const file of files) {
        const found = native.kind(path.resolve(file)) === 1;
        if (!found) {
            writeError(`node: ${file}: not found\n`);
            native.exit(9);
        }
        process.loadEnvFile(file);
    }
    Object.assign(tests.settings, {
        reporter: options.reporter.at(-1), only: options.only ?? false, patterns: options.pattern.map(expression), skipPatterns: options.skipPattern.map(expression),
        timeout: options.testTimeout ? Number(options.testTimeout) : Infinity,
    });
}

const expression = (text) => {
    const [, body, flags] = /^\/(.*)\/([a-z]*)$/s.exec(text) ?? [];
    return body === undefined ? new RegExp(text) : new RegExp(body, flags);
};

let unsettled;

/// The end of what is a module comes later.
function follow(promise, name) {
    if (!promise || typeof promise.then !== 'function') return;
    unsettled = name;
    promise.then(() => { unsettled = undefined; }, (error) => {
        unsettled = undefined;
        fatal(error);
    });
}

async function preload(options) {
    const require = modules.createRequire(path.join(process.cwd(), '[preload]'));
    for (const name of options.require) require(name);
    for (const name of options.import) await modules.importModule(modules.resolveModule(path.join(process.cwd(), '[preload]'), name));
}

function begin(options) {
    if (options.require.length + options.import.length === 0) {
        start(options);
        return;
    }
    preload(options).then(() => loop.finish(start, options), (error) => fatal(error));
}

function start(options) {
    const { rest } = options;
    if (options.interactive || options.watch) {
        writeError(`node: ${options.watch ? '--watch' : '-i'} is not available in a sandbox\n`);
        native.exit(9);
    }
    if (options.run !== undefined) {
        process.exitCode = runScript(options.run, rest);
        return;
    }
    if (options.test) {
        runFiles(rest, options);
        return;
    }
    const typescript = /typescript/.test(options.inputType ?? '');
    const inputType = options.inputType?.replace('-typescript', '');
    if (options.eval !== undefined) {
        process.argv.push(...rest);
        const made = modules.runText(options.eval, { name: '[eval]', print: options.print, inputType, typescript });
        if (made && Object.hasOwn(made, 'value')) writeText(1, `${typeof made.value === 'string' ? made.value : formatWithOptions({}, made.value)}\n`);
        else follow(made, '[eval]');
        return;
    }
    const [file, ...args] = rest;
    if (file === undefined || file === '-') {
        process.argv.push('-', ...args);
        const text = readStdin().toString();
        const made = modules.runText(text, { name: '[stdin]', print: options.print, inputType, typescript });
        if (made && Object.hasOwn(made, 'value')) writeText(1, `${typeof made.value === 'string' ? made.value : formatWithOptions({}, made.value)}\n`);
        else follow(made, '[stdin]');
        return;
    }
    process.argv.push(path.resolve(file), ...args);
    if (options.check) {
        modules.check(file);
        return;
    }
    follow(modules.runMain(file), file);
}

/// `node --run`.
function runScript(name, args) {
    const { packageOf, readText } = builtin('internal/resolve');
    const found = packageOf(path.join(process.cwd(), 'package.json'));
    const scripts = found ? JSON.parse(readText(found.path)).scripts ?? {} : {};
    if (!Object.hasOwn(scripts, name)) {
        writeError(found ? `Missing script: "${name}" for ${found.path}\n\n${Object.keys(scripts).length > 0 ? `Available scripts are:\n${Object.entries(scripts).map(([each, text]) => `  ${each}: ${text}\n`).join('')}` : 'There are no scripts available in the package.json\n'}` : `Can't find package.json for directory ${process.cwd()}\n`);
        return 1;
    }
    const quoted = args.map((arg) => ` '${arg.replaceAll("'", "'\\''")}'`).join('');
    const { status, error } = builtin('child_process').spawnSync('sh', ['-c', scripts[name] + quoted], {
        stdio: 'inherit', cwd: found.folder, env: { ...process.env, NODE_RUN_SCRIPT_NAME: name, NODE_RUN_PACKAGE_JSON_PATH: found.path },
    });
    if (error) throw error;
    return status ?? 1;
}
