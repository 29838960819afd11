export { MIME_TYPE } from './payload';
export { NeuronView } from './view';
export { readOptions } from './live';
export type { ExplainArgs, Live, Options } from './live';
export type { NeuronPayload } from './payload';
