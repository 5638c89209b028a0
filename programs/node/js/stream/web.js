import * as streams from 'lib:webstreams';
export default { ...streams };
