// Stack traces: as V8 words them, without the frames of built-in modules, with the lines of the source where that is TypeScript.

import native from 'lib:internal/native';

/// What the function around a CommonJS module is called.
export const WRAPPER = '__commonjs__';
export const HEADER = `(function ${WRAPPER}(exports, require, module, __filename, __dirname) { `;

/// Files whose first line has HEADER before it.
export const wrapped = new Set();

export function place(site) {
    const file = site.getFileName();
    let line = site.getLineNumber();
    let column = site.getColumnNumber();
    if (!file || !line) return { file, line, column };
    if (line === 1 && wrapped.has(file)) column = Math.max(1, column - HEADER.length);
    const mapped = native.mapPosition(file, line, column);
    if (mapped) [line, column] = mapped;
    return { file, line, column };
}

const isBuiltIn = (file) => file?.startsWith('lib:');

export function describe(site) {
    const { file, line, column } = place(site);
    let name = site.getFunctionName();
    if (name === WRAPPER) name = 'Object.<anonymous>';
    else if (name === '<eval>' || name === 'anonymous' || name === '<anonymous>' || name === '<null>') name = null;
    const position = file ? (line ? `${file}:${line}:${column}` : file) : '<anonymous>';
    return name ? `${name} (${position})` : position;
}

function header(error) {
    try {
        const name = error.name === undefined ? 'Error' : String(error.name);
        const message = error.message === undefined ? '' : String(error.message);
        return name === '' ? message : message === '' ? name : `${name}: ${message}`;
    } catch {
        return 'Error';
    }
}

const places = new WeakMap();

/// Where an error was made, first of the frames that are a user's.
export function origin(error) {
    if (error === null || typeof error !== 'object') return undefined;
    // It is known when the stack was asked for.
    void error.stack;
    return places.get(error);
}

function prepare(error, sites) {
    let text = header(error);
    let first;
    for (const [at, site] of sites.entries()) {
        const file = site.getFileName();
        if (isBuiltIn(file) || (!file && (!site.isNative() || isBuiltIn(sites[at + 1]?.getFileName())))) continue;
        if (!first && file) first = site;
        text += `\n    at ${describe(site)}`;
    }
    if (first) places.set(error, place(first));
    return text;
}

// QuickJS's words for what everybody knows by V8's.
const WORDS = [
    [/^cannot read property '(.*)' of (null|undefined)$/s, "Cannot read properties of $2 (reading '$1')"],
    [/^cannot set property '(.*)' of (null|undefined)$/s, "Cannot set properties of $2 (setting '$1')"],
    [/^Could not find export '(.*)' in module '(.*)'$/s, "The requested module '$2' does not provide an export named '$1'"],
    [/^circular reference$/, 'Converting circular structure to JSON'],
    [/^class constructors must be invoked with 'new'$/, "Class constructor cannot be invoked without 'new'"],
    [/^(?:value|object) is not iterable$/, 'object is not iterable (cannot read property Symbol(Symbol.iterator))'],
    [/^cannot convert to object$/, 'Cannot convert undefined or null to object'],
    [/^(.*) is not initialized$/s, "Cannot access '$1' before initialization"],
    [/^cannot convert symbol to string$/, 'Cannot convert a Symbol value to a string'],
    [/^cannot convert symbol to number$/, 'Cannot convert a Symbol value to a number'],
    [/^cannot convert BigInt to number$/, 'Cannot mix BigInt and other types, use explicit conversions'],
    [/^object is not extensible$/, 'Cannot add property, object is not extensible'],
    [/^invalid 'instanceof' right operand$/, "Right-hand side of 'instanceof' is not callable"],
    [/^invalid 'in' operand$/, "Cannot use 'in' operator to search for a key in a value that is no object"],
    [/^empty array$/, 'Reduce of empty array with no initial value'],
    [/^invalid BigInt literal$/, 'Cannot convert value to a BigInt'],
    [/^expecting hex digit$/, 'URI malformed'],
    [/^invalid number of digits$/, 'toFixed() digits argument must be between 0 and 100'],
    [/^unexpected token in expression: ''$/, 'Unexpected end of input'],
    [/^unexpected (?:token|character)(?: in expression)?:? ?'(.+)'$/s, "Unexpected token '$1'"],
    [/^'let' is not a valid lexical identifier$/, 'let is disallowed as a lexically bound name'],
    [/^expecting '(.)'$/, "Unexpected token, '$1' is missing"],
    [/^invalid array length$/, 'Invalid array length'],
    [/^invalid string length$/, 'Invalid string length'],
    [/^invalid repeat count$/, 'Invalid count value'],
];

let texts = new Map();

/// The line of a file, for what is said of it.
function lineOf(file, line) {
    let lines = texts.get(file);
    if (!lines) {
        const path = file.startsWith('file://') ? decodeURIComponent(file.slice(7).replace(/[?#].*$/, '')) : file;
        if (native.kind(path) !== 1) return undefined;
        const fd = native.open(path, native.openFlags.O_RDONLY);
        const bytes = fd < 0 ? 0 : native.readAll(fd);
        if (fd >= 0) native.close(fd);
        if (typeof bytes === 'number') return undefined;
        lines = new TextDecoder().decode(bytes).split('\n');
        if (texts.size > 8) texts = new Map();
        texts.set(file, lines);
    }
    return lines[line - 1];
}

/// What stands where something was called that is no function.
function callee(site) {
    if (!site?.getFileName() || isBuiltIn(site.getFileName())) return undefined;
    const { file, line, column } = place(site);
    const text = lineOf(file, line);
    if (text === undefined) return undefined;
    const name = /^[\w$]+/.exec(text.slice(column - 1))?.[0];
    if (!name) return undefined;
    const before = /(?:[\w$]+(?:\([^()]*\))?\??\.)*$/.exec(text.slice(0, column - 1))?.[0] ?? '';
    return before.replace(/\([^()]*\)/g, '(...)') + name;
}

function reword(error, sites) {
    const { message } = error;
    if (message === 'not a function' || message === 'not a constructor') {
        const name = callee(sites[0]);
        if (name) error.message = `${name} is ${message}`;
        else if (sites[0]?.isNative()) error.message = `undefined is ${message}`;
        return;
    }
    const fixed = /^'(.*)' is read-only$/s.exec(message);
    if (fixed) {
        // The same words for a constant and for a property: the source tells which.
        const isName = callee(sites[0]) === fixed[1];
        error.message = isName ? 'Assignment to constant variable.' : `Cannot assign to read only property '${fixed[1]}' of object '#<Object>'`;
        return;
    }
    for (const [known, words] of WORDS) {
        if (known.test(message)) {
            error.message = message.replace(known, words);
            return;
        }
    }
}

// The engine's own hook, found before another module covers it.
const engineHook = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');

export function install() {
    const dispatch = engineHook.get.call(Error);
    const hook = (error, sites) => {
        // The engine's own errors begin in lower case or with a quote.
        if ((error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError || error instanceof ReferenceError || error instanceof URIError) && typeof error.message === 'string' && /^['a-z]|^Could not find export/.test(error.message)) reword(error, sites);
        return dispatch(error, sites);
    };
    engineHook.set.call(Error, hook);
    const { captureStackTrace } = Error;
    Error.captureStackTrace = function (...args) {
        try {
            return Reflect.apply(captureStackTrace, this, args);
        } finally {
            engineHook.set.call(Error, hook);
        }
    };
    Object.defineProperty(Error.captureStackTrace, 'name', { value: 'captureStackTrace' });

    Error.stackTraceLimit = 10;
    Error.prepareStackTrace = prepare;
}
