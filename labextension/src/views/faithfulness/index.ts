export { MIME_TYPE } from './payload';
export { FaithfulnessView } from './view';
export { readOptions, readPlace } from './live';
export type { Choosing, Live, Options, Place } from './live';
export type { FaithfulnessPayload } from './payload';
