const { Readable, Transform, pipeline } = require('stream');
const up = new Transform({ transform(c, e, cb) { cb(null, String(c).toUpperCase()); } });
const out = [];
pipeline(Readable.from(['a', 'b', 'c']), up, async function* (src) { for await (const c of src) { out.push(String(c)); yield c; } }, new (require('stream').Writable)({ write(c, e, cb) { cb(); } }), (err) => console.log(err, out));
