import reporters from 'lib:internal/reporters';
export default reporters;
