export { MIME_TYPE } from './payload';
export { TraceView } from './view';
export { readOptions } from './live';
export type { Live, Options } from './live';
export type { TracePayload } from './payload';
