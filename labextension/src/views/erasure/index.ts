export { MIME_TYPE } from './payload';
export { ErasureView } from './view';
export { readOptions } from './live';
export type { Live, Options } from './live';
export type { ErasurePayload } from './payload';
