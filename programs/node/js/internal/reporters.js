// How `node:test` tells what happened: `tap`, `spec`, `dot`, and lines for another program.

import process from 'lib:process';
import { inspect } from 'lib:internal/util/inspect';
import { writeText } from 'lib:internal/stdio';

const print = (text) => writeText(1, `${text}\n`);
const ms = (value) => Number(value.toFixed(6));

function cause(error) {
    return error?.cause instanceof Error && error.failureType !== 'subtestsFailed' ? error.cause : error;
}

const frames = (error) => (error?.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)).map((line) => line.trim().slice(3));

// ---- TAP

const escape = (text) => `${text}`.replaceAll('\\', '\\\\').replaceAll('#', '\\#').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t');

function yaml(indent, name, value) {
    const text = typeof value === 'string' ? value : inspect(value);
    if (text.includes('\n')) return `${indent}${name}: |-\n${text.split('\n').map((line) => `${indent}  ${line}`).join('\n')}\n`;
    return `${indent}${name}: ${typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : text}\n`;
}

function details(indent, { location, details: { duration_ms: duration, type, error } }) {
    const inner = `${indent}  `;
    let text = `${inner}---\n${inner}duration_ms: ${ms(duration)}\n`;
    if (type === 'suite') text += `${inner}type: 'suite'\n`;
    if (error) {
        if (location) text += `${inner}location: '${location.file}:${location.line}:${location.column}'\n`;
        const from = cause(error);
        text += yaml(inner, 'failureType', error.failureType);
        text += yaml(inner, 'error', error.message);
        text += yaml(inner, 'code', from.code ?? error.code);
        if (from !== error && from.name && from.name !== 'Error') text += yaml(inner, 'name', from.name);
        if (from.code === 'ERR_ASSERTION') {
            text += yaml(inner, 'expected', from.expected) + yaml(inner, 'actual', from.actual);
            if (from.operator) text += yaml(inner, 'operator', from.operator);
        }
        const stack = error.failureType === 'subtestsFailed' ? [] : frames(from);
        if (stack.length > 0) text += yaml(inner, 'stack', `${stack.join('\n')}\n`).trimEnd() + '\n';
    }
    return `${text}${inner}...`;
}

const directive = ({ skip, todo }) => (skip !== undefined ? ` # SKIP${typeof skip === 'string' ? ` ${escape(skip)}` : ''}` : todo !== undefined ? ` # TODO${typeof todo === 'string' ? ` ${escape(todo)}` : ''}` : '');

function tap() {
    print('TAP version 13');
    return (type, data) => {
        const indent = '    '.repeat(Math.max(0, data.nesting ?? 0));
        if (type === 'test:start') print(`${indent}# Subtest: ${escape(data.name)}`);
        else if (type === 'test:plan') print(`${indent}1..${data.count}`);
        else if (type === 'test:diagnostic') print(`${indent}# ${data.message.replaceAll('\n', `\n${indent}# `)}`);
        else if (type === 'test:pass' || type === 'test:fail') {
            print(`${indent}${type === 'test:pass' ? 'ok' : 'not ok'} ${data.testNumber} - ${escape(data.name)}${directive(data)}\n${details(indent, data)}`);
        } else if (type === 'test:stdout') print(`# ${data.message.replaceAll('\n', '\n# ')}`);
        else if (type === 'test:summary') {
            for (const name of ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo']) print(`# ${name} ${data.counts[name]}`);
            print(`# duration_ms ${ms(data.duration_ms)}`);
        }
    };
}

// ---- spec

function spec() {
    const failures = [];
    const suites = [];
    let told = 0;
    return (type, data) => {
        const indent = '  '.repeat(Math.max(0, data.nesting ?? 0));
        if (type === 'test:start') {
            suites.length = data.nesting;
            suites[data.nesting] = data.name;
        } else if (type === 'test:diagnostic') print(`${indent}ℹ ${data.message}`);
        else if (type === 'test:stdout') print(data.message);
        else if (type === 'test:pass' || type === 'test:fail') {
            const parents = suites.slice(0, data.nesting);
            for (let at = told; at < parents.length; at++) print(`${'  '.repeat(at)}▶ ${parents[at]}`);
            const had = told > data.nesting;
            told = data.nesting;
            const mark = had ? (type === 'test:pass' ? '✔' : '✖') : type === 'test:fail' ? '✖' : data.skip !== undefined ? '﹣' : '✔';
            const note = data.skip !== undefined ? ` # ${typeof data.skip === 'string' ? data.skip : 'SKIP'}` : data.todo !== undefined ? ` # ${typeof data.todo === 'string' ? data.todo : 'TODO'}` : '';
            print(`${indent}${mark} ${data.name} (${ms(data.details.duration_ms)}ms)${note}`);
            if (type === 'test:fail' && data.details.error?.failureType !== 'subtestsFailed') failures.push(data);
            if (parents.length > 0) told = parents.length;
        } else if (type === 'test:summary') {
            for (const name of ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo']) print(`ℹ ${name} ${data.counts[name]}`);
            print(`ℹ duration_ms ${ms(data.duration_ms)}`);
            if (failures.length === 0) return;
            print('\n✖ failing tests:\n');
            for (const { name, location, details: { duration_ms: duration, error } } of failures) {
                if (location) print(`test at ${location.file}:${location.line}:${location.column}`);
                print(`✖ ${name} (${ms(duration)}ms)`);
                print(`${inspect(cause(error)).split('\n').map((line) => `  ${line}`).join('\n')}\n`);
            }
        }
    };
}

// ---- dot

function dot() {
    let count = 0;
    return (type, data) => {
        if (type === 'test:pass' || type === 'test:fail') {
            writeText(1, type === 'test:pass' ? '.' : 'X');
            if (++count % 20 === 0) print('');
        } else if (type === 'test:summary') print('');
    };
}

/// What begins a line for the program that runs the tests.
export const MARK = '\u0001test ';

function lines() {
    return (type, data) => {
        const error = data.details?.error;
        const flat = error && { message: error.message, failureType: error.failureType, code: error.code, cause: error.cause instanceof Error ? plain(error.cause) : undefined };
        print(MARK + JSON.stringify([type, error ? { ...data, details: { ...data.details, error: flat } } : data]));
    };
}

const plain = (error) => ({ name: error.name, message: error.message, stack: error.stack, code: error.code, expected: text(error.expected), actual: text(error.actual), operator: error.operator, shown: inspect(error) });
const text = (value) => (value === undefined || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null ? value : inspect(value));

/// An error that came as a line.
export function revive(flat) {
    if (!flat) return undefined;
    const error = Object.assign(new Error(flat.message), { failureType: flat.failureType, code: flat.code, stack: undefined });
    if (flat.cause) {
        const { shown, ...more } = flat.cause;
        error.cause = Object.assign(new Error(flat.cause.message), more);
        Object.defineProperty(error.cause, Symbol.for('nodejs.util.inspect.custom'), { value: () => shown });
    }
    return error;
}

const KNOWN = { tap, spec, dot, lines };

export function reporter(name) {
    if (process.env.NODE_TEST_CONTEXT === 'child') return lines();
    return (KNOWN[name] ?? tap)();
}

export const names = Object.keys(KNOWN).filter((name) => name !== 'lines');
export default { tap, spec, dot, junit: tap, lcov: tap };
