// Which file a specifier means: the rules of CommonJS, of ES modules, and of `package.json`.

import native from 'lib:internal/native';
import { isBuiltin } from 'lib:internal/registry';

export const isFile = (path) => native.kind(path) === 1;
export const isFolder = (path) => native.kind(path) === 2;

const packages = new Map();

export function readText(path) {
    const fd = native.open(path, native.openFlags.O_RDONLY);
    if (fd < 0) return undefined;
    const bytes = native.readAll(fd);
    native.close(fd);
    return typeof bytes === 'number' ? undefined : new TextDecoder().decode(bytes);
}

/// The `package.json` in a folder.
export function packageIn(folder) {
    let found = packages.get(folder);
    if (found !== undefined) return found;
    const path = `${folder === '/' ? '' : folder}/package.json`;
    const text = isFile(path) ? readText(path) : undefined;
    if (text === undefined) {
        found = null;
    } else {
        try {
            found = { folder, path, ...pick(JSON.parse(text)) };
        } catch (error) {
            throw coded(new Error(`Invalid package config ${path}. ${error.message}`), 'ERR_INVALID_PACKAGE_CONFIG');
        }
    }
    packages.set(folder, found);
    return found;
}

const pick = ({ name, main, type, exports, imports, module, tsconfig }) => ({ name, main, type, exports, imports, module, tsconfig });

export const parentOf = (path) => path.slice(0, Math.max(1, path.lastIndexOf('/')));

/// The one that a file belongs to.
export function packageOf(path) {
    for (let folder = parentOf(path); ; folder = parentOf(folder)) {
        if (!folder.endsWith('/node_modules')) {
            const found = packageIn(folder);
            if (found) return found;
        }
        if (folder === '/') return null;
    }
}

export function coded(error, code, more) {
    error.code = code;
    Object.assign(error, more);
    const { stack } = error;
    // The stack names the code, as that of Node.js's own errors does.
    if (typeof stack === 'string') error.stack = stack.replace(/^(\w+)/, `$1 [${code}]`);
    return error;
}

// ---- `exports` and `imports` of a package

/// Undefined if there is none, null if it is forbidden.
function target(value, match, pkg, conditions, key, isImports, resolveBare) {
    if (typeof value === 'string') {
        if (!value.startsWith('./')) {
            if (isImports && !value.startsWith('../') && !value.startsWith('/')) {
                return resolveBare(match === null ? value : value.replaceAll('*', match));
            }
            throw coded(new Error(`Invalid "${isImports ? 'imports' : 'exports'}" target ${JSON.stringify(value)} defined for '${key}' in the package config ${pkg.path}`), 'ERR_INVALID_PACKAGE_TARGET');
        }
        return normalize(`${pkg.folder}/${match === null ? value : value.replaceAll('*', match)}`);
    }
    if (Array.isArray(value)) {
        let last;
        for (const each of value) {
            try {
                last = target(each, match, pkg, conditions, key, isImports, resolveBare);
            } catch {
                continue;
            }
            if (last) return last;
        }
        return last;
    }
    if (value !== null && typeof value === 'object') {
        for (const [condition, each] of Object.entries(value)) {
            if (condition !== 'default' && !conditions.has(condition)) continue;
            const found = target(each, match, pkg, conditions, key, isImports, resolveBare);
            if (found !== undefined) return found;
        }
        return undefined;
    }
    return value === null ? null : undefined;
}

function lookUp(table, key, pkg, conditions, isImports, resolveBare) {
    if (Object.hasOwn(table, key) && !key.includes('*') && !key.endsWith('/')) {
        return target(table[key], null, pkg, conditions, key, isImports, resolveBare);
    }
    let best;
    for (const pattern of Object.keys(table)) {
        const star = pattern.indexOf('*');
        if (star < 0) continue;
        const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
        if (key.startsWith(before) && key !== before && key.endsWith(after) && key.length >= pattern.length
            && (!best || before.length > best.before.length)) best = { pattern, before, after };
    }
    if (!best) return undefined;
    const match = key.slice(best.before.length, key.length - best.after.length);
    return target(table[best.pattern], match, pkg, conditions, best.pattern, isImports, resolveBare);
}

function exported(pkg, subpath, conditions, base) {
    let table = pkg.exports;
    if (typeof table === 'string' || Array.isArray(table) || !Object.keys(table).some((key) => key.startsWith('.'))) table = { '.': table };
    const found = lookUp(table, subpath, pkg, conditions, false);
    if (found) return found;
    const text = subpath === '.'
        ? `No "exports" main defined in ${pkg.path}`
        : `Package subpath '${subpath}' is not defined by "exports" in ${pkg.path}`;
    throw coded(new Error(base ? `${text} imported from ${base}` : text), 'ERR_PACKAGE_PATH_NOT_EXPORTED');
}

export function imported(specifier, from, conditions, resolveBare) {
    const pkg = packageOf(from);
    const found = pkg?.imports && lookUp(pkg.imports, specifier, pkg, conditions, true, resolveBare);
    if (found) return found;
    throw coded(new TypeError(`Package import specifier "${specifier}" is not defined${pkg ? ` in package ${pkg.path}` : ''} imported from ${from}`), 'ERR_PACKAGE_IMPORT_NOT_DEFINED');
}

export function normalize(path) {
    const parts = [];
    for (const part of path.split('/')) {
        if (part === '' || part === '.') continue;
        if (part === '..') parts.pop();
        else parts.push(part);
    }
    return `/${parts.join('/')}${path.endsWith('/') && parts.length > 0 ? '/' : ''}`;
}

export function split(specifier) {
    const parts = specifier.split('/');
    const count = specifier.startsWith('@') ? 2 : 1;
    return [parts.slice(0, count).join('/'), ['.', ...parts.slice(count)].join('/')];
}

export function folders(from) {
    const found = [];
    for (let folder = from; ; folder = parentOf(folder)) {
        if (!folder.endsWith('/node_modules')) found.push(`${folder === '/' ? '' : folder}/node_modules`);
        if (folder === '/') return found;
    }
}

// ---- files

export const EXTENSIONS = ['.js', '.json', '.node', '.ts', '.cjs', '.mjs', '.tsx', '.jsx', '.cts', '.mts'];

export function withExtension(path, extensions = EXTENSIONS) {
    if (isFile(path)) return path;
    for (const extension of extensions) if (isFile(path + extension)) return path + extension;
    return typescript(path);
}

/// In TypeScript a file is named as what it becomes.
export function typescript(path) {
    const found = /\.([cm]?)js(x?)$/.exec(path);
    if (!found) return undefined;
    const stem = path.slice(0, found.index);
    const names = found[2] ? ['.tsx'] : found[1] ? [`.${found[1]}ts`] : ['.ts', '.tsx'];
    return names.map((name) => stem + name).find(isFile);
}

export function asFolder(path, extensions) {
    if (!isFolder(path)) return undefined;
    const pkg = packageIn(path.replace(/(.)\/+$/, '$1'));
    if (typeof pkg?.main === 'string') {
        const main = normalize(`${path}/${pkg.main}`);
        const found = withExtension(main.replace(/(.)\/+$/, '$1'), extensions) ?? withExtension(`${main}/index`, extensions);
        if (found) return found;
    }
    return withExtension(`${path}/index`, extensions);
}

/// A package by its name, beneath or above a file; undefined if there is none.
export function bare(specifier, from, conditions, isImport, extensions, paths) {
    const [name, subpath] = split(specifier);
    const own = packageOf(from);
    if (own?.name === name && own.exports !== undefined && own.exports !== null) return exported(own, subpath, conditions, isImport ? from : '');
    for (const folder of paths ?? folders(parentOf(from))) {
        const root = `${folder}/${name}`;
        const pkg = isFolder(root) ? packageIn(root) : null;
        if (pkg && pkg.exports !== undefined && pkg.exports !== null) return exported(pkg, subpath, conditions, isImport ? from : '');
        const path = `${folder}/${specifier}`;
        if (isImport) {
            if (!isFolder(root)) continue;
            if (subpath !== '.') return normalize(path);
            const found = asFolder(root, extensions);
            if (found) return found;
            continue;
        }
        const found = (path.endsWith('/') ? undefined : withExtension(path, extensions)) ?? asFolder(path, extensions);
        if (found) return found;
    }
    return undefined;
}

export const builtInName = (specifier) => {
    if (specifier.startsWith('node:')) return specifier.slice(5);
    // These have no name without the scheme.
    return isBuiltin(specifier) && !['test', 'test/reporters', 'sqlite', 'sea'].includes(specifier) ? specifier : undefined;
};
