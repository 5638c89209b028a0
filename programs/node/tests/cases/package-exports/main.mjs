import pkg from 'dual';
import { sub } from 'dual/feature';
import { createRequire } from 'module';
const require = createRequire(import.meta.url);
console.log(pkg, sub, require('dual'));
try { await import('dual/hidden.js'); } catch (e) { console.log(e.code); }
try { await import('absent'); } catch (e) { console.log(e.code); }
try { await import('./absent.js'); } catch (e) { console.log(e.code); }
