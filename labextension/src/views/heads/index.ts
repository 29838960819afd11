export { MIME_TYPE } from './payload';
export { HeadsView } from './view';
export { readOptions } from './live';
export type { Live, Options } from './live';
export type { HeadsPayload, Pattern } from './payload';
