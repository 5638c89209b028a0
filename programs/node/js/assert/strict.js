import assert from 'lib:assert';
export default assert.strict;
