export { MIME_TYPE } from './payload';
export { PatchView } from './view';
export { readOptions } from './live';
export type { Live, Options } from './live';
export type { PatchPayload } from './payload';
