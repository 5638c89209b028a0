// `module`: CommonJS, and what ES modules ask of it.

import native from 'lib:internal/native';
import path from 'lib:path';
import process from 'lib:process';
import { realpathSync } from 'lib:fs';
import { fileURLToPath, pathToFileURL } from 'lib:url';
import { builtin, isBuiltin, names } from 'lib:internal/registry';
import * as resolve from 'lib:internal/resolve';
import { HEADER, origin, wrapped } from 'lib:internal/trace';
import { sources } from 'lib:internal/fatal';

const { coded, readText } = resolve;
export const conditions = { extra: [] };
const requireConditions = () => new Set(['node', 'require', 'module-sync', ...conditions.extra]);
const importConditions = () => new Set(['node', 'import', 'module-sync', ...conditions.extra]);

// ---- CommonJS

export function Module(id = '', parent) {
    this.id = id;
    this.path = path.dirname(id);
    this.exports = {};
    Object.defineProperty(this, 'parent', { value: parent, configurable: true, writable: true });
    parent?.children?.push(this);
    this.filename = null;
    this.loaded = false;
    this.children = [];
}
export default Module;

Module._cache = Object.create(null);
Module._pathCache = Object.create(null);
Module._extensions = Object.create(null);
Module.globalPaths = [];
Module.Module = Module;

Module.wrapper = ['(function (exports, require, module, __filename, __dirname) { ', '\n});'];
Module.wrap = (script) => Module.wrapper[0] + script + Module.wrapper[1];

Module._nodeModulePaths = (from) => resolve.folders(path.resolve(from));

Module._resolveLookupPaths = (request, parent) => {
    if (resolve.builtInName(request)) return null;
    if (/^\.\.?(\/|$)/.test(request)) return [parent?.filename ? path.dirname(parent.filename) : '.'];
    return [...(parent?.paths ?? []), ...Module.globalPaths];
};

const real = (file) => {
    if (process.execArgv.includes('--preserve-symlinks')) return file;
    try {
        return realpathSync(file);
    } catch {
        return file;
    }
};

Module._findPath = (request, paths) => {
    const extensions = Object.keys(Module._extensions);
    for (const folder of request.startsWith('/') ? [''] : paths) {
        const base = resolve.normalize(request.startsWith('/') ? request : `${path.resolve(folder)}/${request}`);
        const found = (/(^|\/)\.{0,2}\/?$/.test(request) && request.endsWith('/') ? undefined : resolve.withExtension(base.replace(/(.)\/+$/, '$1'), extensions))
            ?? resolve.asFolder(base.replace(/(.)\/+$/, '$1'), extensions);
        if (found) return real(found);
    }
    return false;
};

Module._resolveFilename = (request, parent, isMain, options) => {
    void isMain;
    if (typeof request !== 'string') {
        throw coded(new TypeError(`The "id" argument must be of type string. Received ${request === null ? 'null' : typeof request}`), 'ERR_INVALID_ARG_TYPE');
    }
    if (request === '') throw coded(new TypeError("The argument 'id' must be a non-empty string. Received ''"), 'ERR_INVALID_ARG_VALUE');
    const name = resolve.builtInName(request);
    if (name !== undefined) {
        if (isBuiltin(name)) return request;
        throw coded(new Error(`No such built-in module: ${request}`), 'ERR_UNKNOWN_BUILTIN_MODULE');
    }
    const from = parent?.filename ?? path.join(process.cwd(), '[eval]');
    const places = options?.paths?.map((each) => path.resolve(each));
    const extensions = Object.keys(Module._extensions);
    let found;
    if (/^\.\.?(\/|$)/.test(request) || request.startsWith('/')) {
        found = Module._findPath(request, places ?? [path.dirname(from)]);
    } else if (request.startsWith('#')) {
        found = resolve.imported(request, from, requireConditions(), (bare) => Module._resolveFilename(bare, parent));
    } else {
        const paths = places ? places.flatMap((folder) => resolve.folders(folder)) : parent?.paths?.length ? parent.paths : undefined;
        found = resolve.bare(request, from, requireConditions(), false, extensions, paths);
    }
    if (found && (found.startsWith('node:') || resolve.isFile(found))) return found.startsWith('/') ? real(found) : found;
    const other = found && resolve.typescript(found);
    if (other) return real(other);
    const stack = [];
    for (let at = parent; at; at = at.parent) stack.push(at.filename || at.id);
    const error = new Error(`Cannot find module '${found || request}'${stack.length > 0 ? `\nRequire stack:\n- ${stack.join('\n- ')}` : ''}`);
    error.code = 'MODULE_NOT_FOUND';
    error.requireStack = stack;
    throw error;
};

Module._load = (request, parent, isMain) => {
    const name = resolve.builtInName(request);
    if (name !== undefined && isBuiltin(name)) return builtin(name);
    const filename = Module._resolveFilename(request, parent, isMain);
    if (filename.startsWith('node:')) return builtin(filename.slice(5));
    const cached = Module._cache[filename];
    if (cached) {
        if (parent && !parent.children.includes(cached)) parent.children.push(cached);
        return cached.exports;
    }
    const module = new Module(filename, parent);
    if (isMain) {
        process.mainModule = module;
        module.id = '.';
    }
    Module._cache[filename] = module;
    let done = false;
    try {
        module.load(filename);
        done = true;
    } finally {
        if (!done) {
            delete Module._cache[filename];
            const at = parent?.children.indexOf(module) ?? -1;
            if (at >= 0) parent.children.splice(at, 1);
        }
    }
    return module.exports;
};

Module.prototype.load = function load(filename) {
    this.filename = filename;
    this.paths = Module._nodeModulePaths(path.dirname(filename));
    const name = path.basename(filename);
    let extension = '.js';
    for (let at = name.indexOf('.', 1); at > 0; at = name.indexOf('.', at + 1)) {
        if (Module._extensions[name.slice(at)]) {
            extension = name.slice(at);
            break;
        }
    }
    Module._extensions[extension](this, filename);
    this.loaded = true;
};

Module.prototype.require = function require(id) {
    return Module._load(id, this, false);
};

Module.prototype._compile = function compile(content, filename) {
    const run = compileFunction(content, filename);
    const require = makeRequire(this);
    return Reflect.apply(run, this.exports, [this.exports, require, this, filename, path.dirname(filename)]);
};

const clean = (content) => content.replace(/^\uFEFF/, '').replace(/^#!/, '//');

function compileFunction(content, filename) {
    wrapped.add(filename);
    if (Module.wrapper[0] !== DEFAULT_HEADER) return native.evaluate(Module.wrap(clean(content)), filename);
    try {
        return native.evaluate(`${HEADER}${clean(content)}\n})`, filename);
    } catch (error) {
        if (error instanceof SyntaxError) ownEnd(error, content, filename);
        throw error;
    }
}

/// An error in what stands behind the content is one of its end.
function ownEnd(error, content, filename) {
    const found = origin(error);
    const lines = content.split('\n').length;
    if (found?.file !== filename || !(found.line > lines)) return;
    error.message = 'Unexpected end of input';
    error.stack = `SyntaxError: Unexpected end of input\n    at ${filename}:${lines}:1`;
    Object.defineProperty(error, Symbol.for('swarm-flow.place'), { value: { file: filename, line: lines, column: 1 } });
}
const DEFAULT_HEADER = Module.wrapper[0];

function makeRequire(module) {
    const require = function require(id) {
        return module.require(id);
    };
    require.resolve = (request, options) => Module._resolveFilename(request, module, false, options);
    require.resolve.paths = (request) => Module._resolveLookupPaths(request, module);
    require.main = process.mainModule;
    require.extensions = Module._extensions;
    require.cache = Module._cache;
    return require;
}

function text(filename) {
    const found = readText(filename);
    if (found === undefined) throw coded(new Error(`ENOENT: no such file or directory, open '${filename}'`), 'ENOENT', { path: filename });
    return found;
}

const looksLikeModule = (content) => /(^|[;}\s])(import|export)[\s{*'"]|\bimport\.meta\b|\bawait\b/m.test(content);

/// Whether JavaScript that is no script is a module.
function isModule(content, filename) {
    if (!looksLikeModule(content)) return false;
    try {
        compileFunction(content, filename);
        return false;
    } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
    }
    try {
        native.declareModule(`check:${filename}`, clean(content));
        return true;
    } catch {
        return false;
    }
}

const typeOf = (filename) => resolve.packageOf(filename)?.type;

Module._extensions['.js'] = (module, filename) => {
    const content = text(filename);
    const type = typeOf(filename);
    const named = filename.endsWith('.mjs') ? 'module' : filename.endsWith('.cjs') ? 'commonjs' : type;
    if (named === 'module' || (named !== 'commonjs' && isModule(content, filename))) {
        module.exports = requireModule(pathToFileURL(filename).href);
        return;
    }
    module._compile(content, filename);
};
Module._extensions['.json'] = (module, filename) => {
    try {
        module.exports = JSON.parse(text(filename).replace(/^\uFEFF/, ''));
    } catch (error) {
        error.message = `${filename}: ${error.message}`;
        throw error;
    }
};
Module._extensions['.node'] = (_, filename) => process.dlopen(_, filename);
const typescriptFile = (module, filename) => {
    if (!filename.endsWith('.cts') && (filename.endsWith('.mts') || typeOf(filename) === 'module')) {
        module.exports = requireModule(pathToFileURL(filename).href);
        return;
    }
    const { code, module: is } = transpile(text(filename), filename, filename);
    if (is && !filename.endsWith('.cts')) module.exports = requireModule(pathToFileURL(filename).href);
    else module._compile(code, filename);
};
for (const extension of ['.ts', '.cts', '.mts', '.tsx', '.jsx']) Module._extensions[extension] = typescriptFile;

/// TypeScript as JavaScript. `name` is what stack traces call it.
export function transpile(content, name, filename) {
    const [code, module, message, line, column] = native.transpile(clean(content), name, filename);
    if (code !== undefined && code !== null) return { code, module };
    const error = new SyntaxError(message);
    error.stack = `SyntaxError: ${message}\n    at ${name}:${line}:${column}`;
    Object.defineProperty(error, Symbol.for('swarm-flow.place'), { value: { file: name, line, column } });
    throw error;
}

export function createRequire(from) {
    let file = from;
    if (from instanceof URL || (typeof from === 'string' && from.startsWith('file:'))) file = fileURLToPath(from);
    else if (typeof from !== 'string' || !path.isAbsolute(from)) {
        throw coded(new TypeError(`The argument 'filename' must be a file URL object, file URL string, or absolute path string. Received ${typeof from === 'string' ? `'${from}'` : from}`), 'ERR_INVALID_ARG_VALUE');
    }
    // A folder stands for a file in it.
    const filename = file.endsWith('/') ? path.join(file, 'noop.js') : file;
    const module = new Module(filename);
    module.filename = filename;
    module.paths = Module._nodeModulePaths(module.path);
    return makeRequire(module);
}

Module.createRequire = createRequire;
Module.isBuiltin = (name) => isBuiltin(name.replace(/^node:/, ''));
Module.syncBuiltinESMExports = () => {};
Module.findSourceMap = () => undefined;
Module.SourceMap = class SourceMap {};
Module.register = () => {};
Module.registerHooks = () => ({ deregister() {} });
Module.enableCompileCache = () => ({ status: 3 });
Module.getCompileCacheDir = () => undefined;
Module.flushCompileCache = () => {};
Module.stripTypeScriptTypes = (code) => transpile(code, '[stripped]', 'stripped.ts').code;
Module.findPackageJSON = (specifier, base) => {
    const from = base === undefined ? specifier : base;
    const file = String(from).startsWith('file:') ? fileURLToPath(from) : path.resolve(String(from));
    return resolve.packageOf(file)?.path;
};
Module._initPaths = () => {};
Module._preloadModules = () => {};
Module.runMain = () => runMain(process.argv[1]);
Module._debug = () => {};
Object.defineProperty(Module, 'builtinModules', { get: names, configurable: true });

// ---- ES modules

/// The base of what has no file: `-e`, the standard input, `vm`.
const baseOf = (base) => {
    if (base.startsWith('file:')) return fileURLToPath(base.replace(/[?#].*$/, ''));
    return base.startsWith('/') ? base : path.join(process.cwd(), base || '[eval]');
};

const notFound = (what, from) => coded(new Error(`Cannot find ${what} imported from ${from}`), 'ERR_MODULE_NOT_FOUND');

/// The address of the module that a specifier means.
export function resolveModule(base, specifier) {
    if (specifier.startsWith('file:') || specifier.startsWith('data:')) return checked(specifier, baseOf(base));
    if (/^(https?|blob|ws):/.test(specifier)) {
        throw coded(new Error(`Only URLs with a scheme in: file, data, and node are supported by the default ESM loader. Received protocol '${specifier.split(':')[0]}:'`), 'ERR_UNSUPPORTED_ESM_URL_SCHEME');
    }
    const name = resolve.builtInName(specifier);
    if (name !== undefined) {
        if (isBuiltin(name)) return `node:${name}`;
        throw coded(new Error(`No such built-in module: ${specifier}`), 'ERR_UNKNOWN_BUILTIN_MODULE');
    }
    const from = baseOf(base);
    if (/^\.{0,2}\//.test(specifier) || specifier === '.' || specifier === '..') {
        const address = new URL(specifier, base.startsWith('file:') ? base : pathToFileURL(from).href);
        return checked(address.href, from);
    }
    const bare = (wanted) => {
        const inner = resolve.builtInName(wanted);
        if (inner !== undefined && isBuiltin(inner)) return `node:${inner}`;
        return resolve.bare(wanted, from, importConditions(), true);
    };
    const found = specifier.startsWith('#') ? resolve.imported(specifier, from, importConditions(), bare) : bare(specifier);
    if (found === undefined) throw notFound(`package '${resolve.split(specifier)[0]}'`, from);
    if (found.startsWith('node:')) return found;
    return checked(pathToFileURL(found).href, from);
}

const isTypeScript = (file) => /\.[cm]?tsx?$/.test(file);

function checked(address, from) {
    if (!address.startsWith('file:')) return address;
    const [, plain, suffix] = /^([^?#]*)(.*)$/.exec(address);
    let file = fileURLToPath(plain);
    if (!resolve.isFile(file)) {
        const other = isTypeScript(from)
            ? resolve.withExtension(file, ['.ts', '.tsx', '.js', '.mts', '.mjs', '.json']) ?? resolve.asFolder(file)
            : resolve.typescript(file);
        if (!other) {
            if (resolve.isFolder(file)) {
                throw coded(new Error(`Directory import '${file}' is not supported resolving ES modules imported from ${from}`), 'ERR_UNSUPPORTED_DIR_IMPORT', { url: address });
            }
            throw Object.assign(notFound(`module '${file}'`, from), { url: address });
        }
        file = other;
    }
    return pathToFileURL(real(file)).href + suffix;
}

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;
const values = new Map();

/// The text of a module that gives a value's properties as its exports.
function facade(address, value, isCommonJs) {
    values.set(address, value);
    const object = value !== null && (typeof value === 'object' || typeof value === 'function') ? value : {};
    const keys = new Set(Array.isArray(object) ? [] : Object.getOwnPropertyNames(object));
    if (isCommonJs) for (const key in object) keys.add(key);
    for (const skipped of ['default', ...(typeof object === 'function' ? ['length', 'name', 'prototype', 'arguments', 'caller'] : [])]) keys.delete(skipped);
    let source = 'const value = import.meta.value; export default value;\n';
    let count = 0;
    for (const key of keys) {
        if (!IDENTIFIER.test(key)) continue;
        source += `const $${count} = value.${key}; export { $${count} as ${key} };\n`;
        count += 1;
    }
    return source;
}

/// The text of a module.
export function loadModule(address, type) {
    if (address.startsWith('node:')) return facade(address, builtin(address.slice(5)), false);
    if (address.startsWith('data:')) return loadData(address, type);
    const file = fileURLToPath(address.replace(/[?#].*$/, ''));
    const extension = path.extname(file);
    if (type === 'json' || extension === '.json') {
        if (type !== 'json') {
            throw coded(new TypeError(`Module "${address}" needs an import attribute of "type: json"`), 'ERR_IMPORT_ATTRIBUTE_MISSING');
        }
        try {
            values.set(address, JSON.parse(text(file).replace(/^\uFEFF/, '')));
        } catch (error) {
            throw new SyntaxError(`"${address}" is not valid JSON: ${error.message}`);
        }
        return 'export default import.meta.value;';
    }
    if (extension === '.node') process.dlopen(null, file);
    if (extension === '.wasm') throw coded(new TypeError(`Unknown file extension ".wasm" for ${file}`), 'ERR_UNKNOWN_FILE_EXTENSION');
    const format = formatOf(file, extension);
    if (format.source !== undefined) return format.source(address);
    const cached = Module._cache[file];
    return facade(address, cached ? cached.exports : Module._load(file, null, false), true);
}

/// How a file is to be run; the text of it, if as a module.
function formatOf(file, extension) {
    const type = typeOf(file);
    if (['.ts', '.mts', '.cts', '.tsx', '.jsx'].includes(extension)) {
        if (extension === '.cts') return {};
        if (extension !== '.mts' && type !== 'module') {
            const content = text(file);
            if (type === 'commonjs' && extension !== '.mts' && !transpile(content, file, file).module) return {};
            if (type === undefined && !transpile(content, file, file).module && !/\bawait\b/.test(content)) return {};
        }
        return { source: (address) => transpile(text(file), address, file).code };
    }
    if (extension === '.mjs' || (type === 'module' && extension !== '.cjs')) return { source: () => clean(text(file)) };
    if (extension === '.cjs' || type === 'commonjs' || (extension !== '.js' && extension !== '')) return {};
    const content = text(file);
    return isModule(content, file) ? { source: () => clean(content) } : {};
}

function loadData(address, type) {
    const [, mime, base64, content] = /^data:([^,;]*)(?:;[^,]*?)??(;base64)?,([^]*)$/.exec(address) ?? [];
    const decoded = base64 ? atob(decodeURIComponent(content)) : decodeURIComponent(content ?? '');
    if (mime === 'application/json' || type === 'json') {
        values.set(address, JSON.parse(decoded));
        return 'export default import.meta.value;';
    }
    return decoded;
}

export function fillMeta(meta, address) {
    if (values.has(address)) {
        meta.value = values.get(address);
        return;
    }
    meta.url = address;
    if (address.startsWith('file:')) {
        meta.filename = fileURLToPath(address.replace(/[?#].*$/, ''));
        meta.dirname = path.dirname(meta.filename);
    }
    meta.main = address === mainAddress;
    meta.resolve = (specifier, parent = address) => resolveModule(String(parent), `${specifier}`);
}
let mainAddress;

export const importModule = (address) => native.importModule(address);

/// `require` of a module: it must be done when it returns.
export function requireModule(address) {
    const promise = importModule(address);
    let namespace;
    let failed;
    promise.then((value) => { namespace = value; }, (error) => { failed = { error }; });
    native.runJobs();
    if (failed) throw failed.error;
    if (native.promiseState(promise) === 0) {
        throw coded(new Error(`require() cannot be used on an ESM graph with top-level await. Use import() instead. To see where the top-level await comes from, use --experimental-print-required-tla.\n  ${address}`), 'ERR_REQUIRE_ASYNC_MODULE');
    }
    if (namespace && Object.hasOwn(namespace, 'module.exports')) return namespace['module.exports'];
    return namespace;
}

// ---- programs

/// Runs a file as the program.
export function runMain(file) {
    const filename = real(Module._findPath(path.resolve(file), ['']) || missing(file));
    const extension = path.extname(filename);
    if (extension !== '.json' && extension !== '.node' && formatOf(filename, extension).source) {
        mainAddress = pathToFileURL(filename).href;
        return importModule(mainAddress);
    }
    Module._load(filename, null, true);
    return undefined;
}

/// Only looks for syntax errors.
export function check(file) {
    const filename = Module._findPath(path.resolve(file), ['']) || missing(file);
    const { source } = formatOf(filename, path.extname(filename));
    if (source) native.declareModule(pathToFileURL(filename).href, source(filename));
    else compileFunction(/\.[cm]?tsx?$/.test(filename) ? transpile(text(filename), filename, filename).code : text(filename), filename);
}

function missing(file) {
    const error = new Error(`Cannot find module '${path.resolve(file)}'`);
    error.code = 'MODULE_NOT_FOUND';
    error.requireStack = [];
    throw error;
}

let evaluated = 0;

/// Runs text that is no file; the value of the script, or the promise of the module.
export function runText(content, { name, print, inputType, typescript }) {
    const filename = path.join(process.cwd(), name);
    let code = clean(content);
    let forced = inputType;
    if (typescript) {
        const made = transpile(code, name, inputType === 'module' ? `${name}.mts` : `${name}.ts`);
        code = made.code;
        if (made.module && !inputType) forced = 'module';
    }
    sources.set(name, content);
    if (forced === 'module') return runTextModule(code, filename, name, content);
    const module = new Module(name);
    module.filename = filename;
    module.paths = Module._nodeModulePaths(process.cwd());
    Object.assign(globalThis, { module, exports: module.exports, require: makeRequire(module), __filename: name, __dirname: '.' });
    try {
        const value = native.evaluate(code, name);
        return print ? { value } : undefined;
    } catch (error) {
        if (!(error instanceof SyntaxError) || forced === 'commonjs') throw error;
        if (looksLikeModule(code)) {
            try {
                native.declareModule('check:', code);
            } catch {
                throw error;
            }
            return runTextModule(code, filename, name, content);
        }
        if (!typescript) {
            let made;
            try {
                made = transpile(code, name, `${name}.ts`);
            } catch {
                throw error;
            }
            return runText(content, { name, print, inputType: made.module ? 'module' : inputType, typescript: true });
        }
        throw error;
    }
}

const texts = new Map();

function runTextModule(code, filename, name, content) {
    evaluated += 1;
    const address = pathToFileURL(`${filename}${evaluated}`).href;
    texts.set(address, code);
    sources.set(address, content);
    return importModule(address);
}

/// As `loadModule`, for the engine.
export const load = (address, type) => texts.get(address) ?? loadModule(address, type);
export const { isBuiltin: isBuiltinModule, findPackageJSON, register, syncBuiltinESMExports, builtinModules } = Module;
