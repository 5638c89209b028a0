const a = require('./a');
console.log(a, require('./data').v, require('./dir'), require('./a') === a, module.children.length, require.resolve('./dir').endsWith('index.js'));
console.log(__filename.endsWith('main.js'), require.main === module, typeof require.cache);
try { require('./missing'); } catch (e) { console.log(e.code, e.message.split('\n')[0].replace(/'.*\//, "'")); }
try { require('no-such-package'); } catch (e) { console.log(e.code, e.message.split('\n')[0]); }
