// `node --test`: each file in a program of its own.

import native from 'lib:internal/native';
import process from 'lib:process';
import path from 'lib:path';
import fs from 'lib:fs';
import { spawn } from 'lib:child_process';
import { createInterface } from 'lib:readline';
import { finishRelay, relay, relayFailure, relayPass } from 'lib:test';
import { MARK, revive } from 'lib:internal/reporters';

const TESTS = /(^|\/)((test|test-[^/]*)|[^/]*[._-]test)\.[cm]?[jt]s$|(^|\/)test\/(.*\/)?[^/]*\.[cm]?js$/;

function find(folder, prefix, found) {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
        const name = prefix + entry.name;
        if (entry.isDirectory()) {
            if (entry.name !== 'node_modules') find(path.join(folder, entry.name), `${name}/`, found);
        } else if (TESTS.test(name) && !name.endsWith('.d.ts')) {
            found.push(path.join(folder, entry.name));
        }
    }
    return found;
}

function chosen(args) {
    if (args.length === 0) return find(process.cwd(), '', []);
    return args.flatMap((arg) => {
        const kind = native.kind(path.resolve(arg));
        if (kind === 1) return [path.resolve(arg)];
        if (kind === 2) return find(path.resolve(arg), path.basename(path.resolve(arg)) === 'test' ? 'test/' : '', []);
        const found = fs.globSync(arg).map((file) => path.resolve(file)).filter((file) => native.kind(file) === 1);
        if (found.length === 0) {
            process.stderr.write(`Could not find '${arg}'\n`);
            process.exitCode = 1;
        }
        return found;
    }).sort();
}

export async function runFiles(args, options) {
    const files = chosen(args);
    if (process.exitCode && files.length === 0) return;
    for (const file of files) await runFile(file, options);
    finishRelay();
}

/// Options that the tests themselves want.
const passed = (list) => {
    const kept = [];
    for (let at = 0; at < list.length; at++) {
        if (list[at] === '--test' || list[at].startsWith('--test-reporter')) {
            if (list[at] === '--test-reporter' || list[at] === '--test-reporter-destination') at += 1;
            continue;
        }
        kept.push(list[at]);
    }
    return kept;
};

function runFile(file, options) {
    return new Promise((resolve) => {
        const start = native.now();
        const child = spawn('node', [...passed(options.execArgv), file], { env: { ...process.env, NODE_TEST_CONTEXT: 'child' }, stdio: ['ignore', 'pipe', 'pipe'] });
        let told = 0;
        let failed = 0;
        let problem;
        const lines = createInterface({ input: child.stdout });
        lines.on('line', (line) => {
            const at = line.indexOf(MARK);
            if (at < 0) {
                relay('test:stdout', { message: line });
                return;
            }
            if (at > 0) relay('test:stdout', { message: line.slice(0, at) });
            const [type, data] = JSON.parse(line.slice(at + MARK.length));
            if (data.details?.error) data.details.error = revive(data.details.error);
            if (type === 'test:pass' || type === 'test:fail') {
                told += 1;
                if (type === 'test:fail') failed += 1;
            }
            relay(type, data);
        });
        child.stderr.on('data', (bytes) => process.stderr.write(bytes));
        child.on('error', (error) => { problem = error; });
        child.on('close', (code, signal) => {
            const name = path.relative(process.cwd(), file) || file;
            if (problem) relayFailure(name, problem.message, native.now() - start);
            else if (code !== 0 && failed === 0) relayFailure(name, signal ? `test failed by ${signal}` : `test failed`, native.now() - start);
            else if (told === 0) relayPass(name, native.now() - start);
            resolve();
        });
    });
}
