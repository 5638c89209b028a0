import { readFile } from 'node:fs/promises';
import path, { basename } from 'path';
import { add, default as def } from './lib.mjs';
import cjs, { named } from './lib.cjs';
import data from './data.json' with { type: 'json' };
console.log(add(1, 2), def, cjs, named, data, basename(import.meta.filename), path.sep);
console.log((await readFile('data.json', 'utf8')).trim(), import.meta.dirname === process.cwd());
const late = await import('./lib.mjs');
console.log(Object.keys(late), late.add === add);
