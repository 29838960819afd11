import { live } from './plugins/live';
import { status } from './plugins/status';

export default [live, status];
